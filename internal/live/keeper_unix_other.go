//go:build unix && !linux

package live

import (
	"os"
	"syscall"
	"time"
)

// self returns the path of this program.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// adopt does nothing: not every Unix lets a process adopt orphans.
func adopt() {}

// end sends SIGHUP, as a terminal does when it is closed, and waits for the programs
// that start has started. Those programs end their own children.
func (k *keeperState) end() {
	for begin := time.Now(); time.Since(begin) < time.Second; time.Sleep(5 * time.Millisecond) {
		k.mu.Lock()
		for pid := range k.pids {
			syscall.Kill(pid, syscall.SIGHUP) // bash passes it on to its jobs
		}
		n := len(k.pids)
		k.mu.Unlock()
		if n == 0 {
			return
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for pid := range k.pids {
		syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// A watcher does nothing: this system does not show which clients wait in a
// server's queue.
type watcher struct{}

func newWatcher() watcher          { return watcher{} }
func (watcher) watch(*keeperState) {}
