//go:build unix

package child

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// watch starts a shell that kills process pid when our end of a pipe is closed.
// The system closes it when we end. The function release ends the shell.
func watch(pid int) (release func(), err error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	shell := exec.Command("sh", "-c", `read -r line; kill -KILL "$0"`, strconv.Itoa(pid))
	shell.Stdin = theirs
	// Ctrl-C ends the programs of our group. The shell must outlive us.
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := shell.Start(); err != nil {
		ours.Close()
		return nil, err
	}
	return func() {
		shell.Process.Kill()
		shell.Wait()
		ours.Close()
	}, nil
}
