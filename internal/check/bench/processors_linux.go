package bench

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// The server runs on the first processors, the clients on the last one. If there
// is only one processor, they share it.
func first(all []int) []int { return all[:max(1, len(all)-1)] }
func last(all []int) []int  { return all[len(all)-1:] }

// OnFirstProcessors lets the calling thread, and the processes that it starts,
// run on all processors but the last. Pass it to Serve for a server that must not
// share its processors with the clients.
func OnFirstProcessors() error {
	_, err := setProcessors(first)
	return err
}

// OnLastProcessor calls do, which plays the clients, in a thread that runs on the
// last processor alone. OwnCPU then tells what the clients cost.
func OnLastProcessor(do func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := setProcessors(last)
	if err != nil {
		return err
	}
	defer unix.SchedSetaffinity(0, &before)
	return do()
}

// setProcessors lets the calling thread, and the processes that it starts, run
// on some of the processors that it has. It returns those that it had.
func setProcessors(which func([]int) []int) (before unix.CPUSet, err error) {
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return before, err
	}
	var all []int
	for i := 0; len(all) < before.Count(); i++ {
		if before.IsSet(i) {
			all = append(all, i)
		}
	}
	var some unix.CPUSet
	for _, i := range which(all) {
		some.Set(i)
	}
	return before, unix.SchedSetaffinity(0, &some)
}
