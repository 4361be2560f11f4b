//go:build unix

package conform

import (
	"os"
	"syscall"
)

// signalGroup sends a signal to the process group pid.
func signalGroup(pid int, signal os.Signal) error {
	return syscall.Kill(-pid, signal.(syscall.Signal))
}
