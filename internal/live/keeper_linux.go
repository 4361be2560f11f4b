package live

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
)

// self is the path of this program, even if its file has been replaced.
func self() string { return "/proc/self/exe" }

// adopt makes processes that lose their parents our children, as they are anyway
// on a private network, whose first process we are.
func adopt() {
	if os.Getpid() != 1 {
		unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	}
}

// end kills all processes of the session.
func (k *keeping) end() {
	if os.Getpid() == 1 {
		syscall.Kill(-1, syscall.SIGKILL) // all but us
		return
	}
	// A process may start another while we look, so we look until there is none.
	for giveUp := time.Now().Add(keeperPatience); time.Now().Before(giveUp); time.Sleep(time.Millisecond) {
		pids := descendants(os.Getpid())
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func descendants(pid int) (pids []int) {
	for _, child := range kernel.Children(pid) {
		pids = append(append(pids, child), descendants(child)...)
	}
	return pids
}
