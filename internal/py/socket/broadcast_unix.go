//go:build unix

package socket

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// NoBroadcast keeps a UDP socket from sending to a broadcast address: that fails
// with "permission denied". Python leaves SO_BROADCAST off, as the system does,
// but package net sets it for every IPv4 socket. NoBroadcast clears it. It is a
// Control function of net.ListenConfig and net.Dialer, and nil where the system
// is not a Unix.
var NoBroadcast = func(_, _ string, conn syscall.RawConn) (err error) {
	failed := conn.Control(func(fd uintptr) {
		err = os.NewSyscallError("setsockopt",
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST, 0))
	})
	if failed != nil {
		return failed
	}
	return err
}
