//go:build unix

package transcript

import (
	"os/exec"
	"syscall"
)

// supported returns nil, because Unix has process groups and, most likely, a
// bash.
func supported() error { return nil }

// startGroup starts cmd in a process group of its own. The function kill kills
// the group and waits for cmd.
func startGroup(cmd *exec.Cmd) (kill func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		// Nothing has waited for cmd yet, so the number is still that of its group.
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait() // its error says that it was killed
	}, nil
}

// whileNoneStarts calls f while no other goroutine can start a process.
func whileNoneStarts(f func() error) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return f()
}
