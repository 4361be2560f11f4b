//go:build unix && !linux

package child

import (
	"syscall"
	"testing"
	"time"
)

// whenGone returns a function that waits until process pid has ended. If it
// does not end in time, the function kills it and fails the test.
func whenGone(t *testing.T, pid int) (wait func()) {
	return func() {
		t.Helper()
		patience := time.After(Patience)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for syscall.Kill(pid, 0) == nil {
			select {
			case <-tick.C:
			case <-patience:
				syscall.Kill(pid, syscall.SIGKILL)
				t.Errorf("process %d outlives the one that started it", pid)
				return
			}
		}
	}
}
