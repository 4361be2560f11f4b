package child

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"fopnp/internal/check/kernel"

	"golang.org/x/sys/unix"
)

// The program inherits what Thread does to its thread, and no other program
// does.
func TestThread(t *testing.T) {
	t.Parallel()
	niceness := func(s Starter) string {
		p, err := s.Start(exec.Command("nice")) // prints what it has inherited
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
		return strings.TrimSpace(p.Output())
	}
	before := niceness(Starter{})
	const most = 19
	if got := niceness(Starter{Thread: func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, most) }}); got != fmt.Sprint(most) {
		t.Errorf("started at niceness %s, want %d", got, most)
	}
	for range 20 {
		if got := niceness(Starter{}); got != before {
			t.Fatalf("another program started at niceness %s, want %s", got, before)
		}
	}
}

// whenGone returns a function that waits until process pid has ended. If it
// does not end in time, the function kills it and fails the test.
func whenGone(t *testing.T, pid int) (wait func()) {
	t.Helper()
	exit, err := kernel.Exit(pid)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := exit(Patience); err != nil {
			unix.Kill(pid, unix.SIGKILL)
			t.Errorf("process %d outlives the one that started it: %v", pid, err)
		}
	}
}
