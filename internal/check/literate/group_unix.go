//go:build unix

package literate

import (
	"os/exec"
	"syscall"
)

// ownGroup has cmd and all that it starts form a process group.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// killAll kills the process group of cmd, which nobody has waited for yet, so
// that the number is still its own.
func killAll(cmd *exec.Cmd) {
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
