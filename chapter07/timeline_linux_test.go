package chapter07

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
)

// However timeline ends, its server ends with it.
func TestTimelineEnds(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Kill, syscall.SIGTERM, os.Interrupt} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			// While an answer takes so long, the server cannot end on its own.
			cmd := exec.Command(filepath.Join(progtest.Bin(), "timeline"), "srv_single", "-d", "10m")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			server := servingChild(t, cmd.Process.Pid)
			wait, err := kernel.Exit(server)
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := wait(progtest.Patience); err != nil {
				unix.Kill(server, unix.SIGKILL)
				t.Errorf("the server still runs: %v", err)
			}
		})
	}
}

// servingChild waits until a process has a child that serves a client, and
// returns it.
func servingChild(t *testing.T, pid int) (child int) {
	t.Helper()
	progtest.Until(t, "a server serves", func() bool {
		for _, child = range kernel.Children(pid) {
			connected := false
			kernel.EachDescriptor(child, func(fd int) {
				peer, err := unix.Getpeername(fd)
				_, inet := peer.(*unix.SockaddrInet4)
				connected = connected || err == nil && inet
			})
			if connected {
				return true
			}
		}
		return false
	})
	return child
}
