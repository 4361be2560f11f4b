package child

import (
	"os"

	"golang.org/x/sys/unix"
)

// widen gives a pipe room for a megabyte. A server that prints a lot as it stops
// then need not wait for us to read it, even on a busy machine. If the kernel
// refuses, the pipe keeps its size.
func widen(pipe *os.File) {
	if raw, err := pipe.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) })
	}
}
