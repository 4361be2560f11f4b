package socket

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsentOf returns how many bytes that were sent the peer's system has not
// acknowledged yet. End of file counts as one byte.
func unsentOf(conn net.Conn) (n int, known bool) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return 0, false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, false
	}
	controlErr := raw.Control(func(fd uintptr) {
		n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	})
	return n, err == nil && controlErr == nil
}
