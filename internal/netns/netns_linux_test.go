package netns

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A first process whose parent died before the kernel could be told to kill it
// finds the pipe broken, and does not become the program.
func TestParentGone(t *testing.T) {
	needsNetworks(t)
	attr, err := namespaces()
	if err != nil {
		t.Fatal(err)
	}
	r, w := pipe(t)
	r.Close()
	var stdout strings.Builder
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(cmd.Environ(), becomes+"=3 /bin/echo")
	cmd.ExtraFiles = append(cmd.ExtraFiles, w)
	cmd.Stdout = &stdout
	cmd.SysProcAttr = attr
	if err := cmd.Run(); err == nil || stdout.String() != "" {
		t.Errorf("it printed %q (%v), want a failure", stdout.String(), err)
	}
}

// A caller that has attributes of its own would lose them.
func TestAttributes(t *testing.T) {
	needsNetworks(t)
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if n, err := Start(cmd); err == nil {
		n.Close()
		t.Error("Start replaced the command's SysProcAttr")
	}
}
