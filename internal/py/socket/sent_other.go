//go:build !linux

package socket

import "net"

// unsentOf returns how many bytes that were sent the peer's system has not
// acknowledged yet. This system does not tell.
func unsentOf(net.Conn) (n int, known bool) { return 0, false }
