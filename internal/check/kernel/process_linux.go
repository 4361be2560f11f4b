package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Status returns the number in the line of /proc/PID/status that begins with
// key, such as "Threads" or "VmRSS", whose unit is KiB.
//
// Source: proc_pid_status(5)
func Status(pid int, key string) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(text), "\n"+key+":")
	if !found {
		return 0, fmt.Errorf("the status of process %d has no %s", pid, key)
	}
	n, _, _ := strings.Cut(strings.TrimLeft(after, "\t "), "\n")
	n, _, _ = strings.Cut(n, " ")
	return strconv.Atoi(n)
}

// Resident returns how many bytes of a process are in memory.
func Resident(pid int) (int, error) {
	kib, err := Status(pid, "VmRSS")
	return kib << 10, err
}

// CPU returns the CPU time that a process has used.
//
// Source: clock_getcpuclockid(3)
func CPU(pid int) (time.Duration, error) {
	const perProcess = 2
	return clock(^int32(pid)<<3 | perProcess)
}

// ThreadCPU returns the CPU time that the calling thread has used.
func ThreadCPU() (time.Duration, error) { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

func clock(id int32) (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		return 0, fmt.Errorf("clock_gettime: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// FamilyCPU returns the CPU time that a process has used, with that of its
// children, both those that have ended and those that run, in units of 10 ms.
//
// Source: proc_pid_stat(5)
func FamilyCPU(pid int) (spent time.Duration) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // the process has just ended, and its parent's count includes it
	}
	// The fields follow the name, which may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, field := range fields[11:15] { // utime stime cutime cstime
		ticks, _ := strconv.Atoi(field)
		spent += time.Duration(ticks) * 10 * time.Millisecond
	}
	for _, child := range Children(pid) {
		spent += FamilyCPU(child)
	}
	return spent
}

// Children returns the processes that any thread of a process has started and
// that still exist. If the process has ended, there are none.
func Children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list) // none if the thread has ended
		for _, word := range strings.Fields(string(text)) {
			child, _ := strconv.Atoi(word)
			pids = append(pids, child)
		}
	}
	return pids
}

// Descendants returns the processes that a process has started, those that they have
// started, and so on.
func Descendants(pid int) (pids []int) {
	for _, child := range Children(pid) {
		pids = append(append(pids, child), Descendants(child)...)
	}
	return pids
}

// Descriptors returns the numbers of the open descriptors of a process.
func Descriptors(pid int) (numbers []int, err error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	for _, entry := range entries {
		n, _ := strconv.Atoi(entry.Name())
		numbers = append(numbers, n)
	}
	return numbers, err
}

// EachDescriptor calls visit with a copy of each open descriptor of a process.
// The copy is ours during the call: we can ask the kernel about it, and what we
// set is set for the process as well. The error is unix.EPERM or unix.ENOSYS if
// the kernel does not let us copy the descriptors of another process.
func EachDescriptor(pid int, visit func(fd int)) error {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("pidfd_open: %w", err)
	}
	defer unix.Close(process)
	numbers, err := Descriptors(pid)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		fd, err := unix.PidfdGetfd(process, n, 0)
		if err == unix.EPERM || err == unix.ENOSYS {
			return fmt.Errorf("pidfd_getfd: %w", err)
		}
		if err != nil {
			continue // the process has closed it meanwhile
		}
		visit(fd)
		unix.Close(fd)
	}
	return nil
}

// Exit returns a function that waits for the end of the process that now has
// the number pid, which need not be our child. The function returns
// os.ErrDeadlineExceeded if the process still runs after limit. It must be
// called once.
func Exit(pid int) (wait func(limit time.Duration) error, err error) {
	process, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open: %w", err)
	}
	return func(limit time.Duration) error {
		defer unix.Close(process)
		deadline := time.Now().Add(limit)
		for {
			// A pidfd becomes readable when its process ends.
			fds := []unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}
			left := max(0, time.Until(deadline))
			n, err := unix.Poll(fds, int(left.Milliseconds())+1)
			switch {
			case err == unix.EINTR:
			case err != nil:
				return fmt.Errorf("poll: %w", err)
			case n > 0:
				return nil
			case left == 0:
				return os.ErrDeadlineExceeded
			}
		}
	}, nil
}

// SocketsOf returns the inodes of the sockets that some processes have open.
func SocketsOf(pids []int) map[uint32]bool {
	inodes := map[uint32]bool{}
	for _, pid := range pids {
		numbers, _ := Descriptors(pid) // none if it has ended
		for _, n := range numbers {
			link, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, n))
			number, isSocket := strings.CutPrefix(link, "socket:[")
			if inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 32); isSocket && err == nil {
				inodes[uint32(inode)] = true
			}
		}
	}
	return inodes
}
