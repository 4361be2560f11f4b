package child

import (
	"os/exec"
	"syscall"
)

// endWithUs makes the kernel kill the program when the thread that starts it
// ends.
func endWithUs(cmd *exec.Cmd) {
	attributes := syscall.SysProcAttr{}
	if cmd.SysProcAttr != nil {
		attributes = *cmd.SysProcAttr
	}
	attributes.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr = &attributes
}

func guard(int) (release func(), err error) { return func() {}, nil }
