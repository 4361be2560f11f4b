package netlab

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// helper is an environment variable. A test runs the test program once more with it
// set to the name of a function below.
const helper = "NETLAB_TEST"

var helpers = map[string]func() error{
	"nothing":  func() error { return nil },
	"converse": converseHere,
	"spawn":    spawnAtOnce,
	"wire":     failOnWire,
}

func TestMain(m *testing.M) {
	name, ok := os.LookupEnv(helper)
	if !ok {
		os.Exit(m.Run())
	}
	if err := helpers[name](); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// help returns the command of a helper.
func help(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^$")
	cmd.Env = append(os.Environ(), helper+"="+name)
	return cmd
}

// asRoot makes a command run as root in its own namespaces.
func asRoot(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
}
