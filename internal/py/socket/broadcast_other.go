//go:build !unix

package socket

import "syscall"

// NoBroadcast does nothing here. On Unix, it keeps a UDP socket from sending to
// a broadcast address.
func NoBroadcast(_, _ string, _ syscall.RawConn) error { return nil }
