package basics

import (
	"math"
	"os"

	"golang.org/x/sys/windows"
)

const noFollow = 0

// lock locks a file until it is closed. It returns errBusy if another program
// has locked it.
func lock(file *os.File) error {
	const now = windows.LOCKFILE_EXCLUSIVE_LOCK |
		windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), now, 0,
		math.MaxUint32, math.MaxUint32, new(windows.Overlapped))
	if err == windows.ERROR_LOCK_VIOLATION {
		return errBusy
	}
	return err
}
