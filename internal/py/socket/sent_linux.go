package socket

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsentOf returns how much of what was sent the peer's system does not have
// yet: in bytes, and one more for the end of file.
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
