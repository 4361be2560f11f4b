package netlab

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
)

// A host notices the end of a program even if it starts and ends before the host has
// done anything else.
func TestFirstChild(t *testing.T) {
	t.Parallel()
	if out, err := help(t, "spawn").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func spawnAtOnce() error {
	watchChildren()
	p, err := spawn("/bin/sh", []string{"sh", "-c", "exit 7"}, nil, "/", [3]*os.File{os.Stdin, os.Stdout, os.Stderr}, false, nil)
	if err != nil {
		return err
	}
	// It has ended, but it is not yet reaped, or it is gone.
	if err := unix.Waitid(unix.P_PID, p.Pid(), nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil && err != unix.ECHILD {
		return err
	}
	select {
	case status := <-p.ended:
		if status.ExitStatus() != 7 {
			return fmt.Errorf("its status is %d", status.ExitStatus())
		}
		return nil
	case <-time.After(progtest.Patience):
		return errors.New("it was not reaped")
	}
}
