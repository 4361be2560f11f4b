package progtest

import (
	"os"

	"golang.org/x/sys/unix"
)

// widen makes room in a pipe for all that a server may have to say at its end,
// so that it need not wait until we come to read it. A pipe that cannot be
// widened does as it is, on a machine that is not too busy.
func widen(pipe *os.File) {
	if raw, err := pipe.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) })
	}
}
