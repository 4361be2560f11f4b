//go:build unix

package socketserver

import (
	"os"

	"golang.org/x/sys/unix"
)

func setReuseAddress(fd uintptr, reuse bool) error {
	value := 0
	if reuse {
		value = 1
	}
	err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, value)
	return os.NewSyscallError("setsockopt", err)
}

// setQueueSize changes the queue size of a socket that is already listening.
func setQueueSize(fd uintptr, size int) error {
	return os.NewSyscallError("listen", unix.Listen(int(fd), size))
}
