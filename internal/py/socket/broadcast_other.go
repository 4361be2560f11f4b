//go:build !unix

package socket

import "syscall"

// NoBroadcast is nil here: a js/wasm program cannot connect with a Control
// function. On Unix, NoBroadcast keeps a UDP socket from sending to a broadcast
// address.
var NoBroadcast func(network, address string, conn syscall.RawConn) error
