package socket

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// allSent reports whether the peer's system has all that was sent.
func allSent(conn net.Conn) bool {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	unsent := -1
	raw.Control(func(fd uintptr) {
		unsent, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	})
	return err == nil && unsent == 0
}
