package socketserver

import (
	"os"

	"golang.org/x/sys/windows"
)

func setReuseAddress(fd uintptr, reuse bool) error {
	value := 0
	if reuse {
		value = 1
	}
	err := windows.SetsockoptInt(windows.Handle(fd),
		windows.SOL_SOCKET, windows.SO_REUSEADDR, value)
	return os.NewSyscallError("setsockopt", err)
}

// setQueueSize changes the queue size of a socket that is already listening.
func setQueueSize(fd uintptr, size int) error {
	return os.NewSyscallError("listen", windows.Listen(windows.Handle(fd), size))
}
