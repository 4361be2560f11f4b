package live

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/netns"
)

// self returns a path of this program that works even if its file has been
// replaced.
func self() string { return "/proc/self/exe" }

// A keeper stays on its first thread, because adopt must be called there. Go begins
// every program on that thread.
func init() {
	if os.Getenv(keeperEnv) != "" {
		runtime.LockOSThread()
	}
}

// adopt makes orphaned processes our children. On a private network they already
// are, because we are its first process. There the kernel would kill us if the
// server died, so adopt prevents that: the server's death also ends the orders, and
// then we have a folder to remove.
func adopt() {
	if os.Getpid() != 1 {
		unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	} else {
		unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
	}
}

// listeners returns the session's sockets that clients can reach.
func (k *keeper) listeners() (ours []netns.Socket) {
	if k.network != nil {
		return k.network.Listeners() // nothing else runs there
	}
	owned := kernel.SocketsOf(kernel.Descendants(k.pid))
	for _, s := range netns.Listeners(k.pid) {
		if inode, err := strconv.ParseUint(s.Inode, 10, 32); err == nil && owned[uint32(inode)] {
			ours = append(ours, s)
		}
	}
	return ours
}

// programs returns the names of the programs that run in the session.
func (k *keeper) programs() map[string]bool {
	names := map[string]bool{}
	for _, pid := range kernel.Descendants(k.pid) {
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // empty if it has ended
		program, _, _ := strings.Cut(string(command), "\x00")
		names[filepath.Base(program)] = true
	}
	return names
}

// end kills all processes of the session.
func (k *keeperState) end() {
	if os.Getpid() == 1 {
		syscall.Kill(-1, syscall.SIGKILL) // all but us
		return
	}
	// A process may start another while we look, so we look until there is none.
	for giveUp := time.Now().Add(keeperPatience); time.Now().Before(giveUp); time.Sleep(time.Millisecond) {
		pids := kernel.Descendants(os.Getpid())
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
