//go:build unix && !aix && !solaris

package basics

import (
	"os"
	"syscall"
)

// noFollow makes open fail if the name is a symbolic link. With noFollow, open
// also never waits, not even for the reader of a named pipe.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// lock locks a file until it is closed. It returns errBusy if another program
// has locked it.
func lock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == syscall.EWOULDBLOCK {
		return errBusy
	}
	return err
}
