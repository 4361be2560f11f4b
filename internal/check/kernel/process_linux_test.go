package kernel

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestStatus(t *testing.T) {
	threads, err := Status(os.Getpid(), "Threads")
	if tasks, _ := os.ReadDir("/proc/self/task"); err != nil || threads < 1 || threads > len(tasks) {
		t.Errorf("%d threads of %d, %v", threads, len(tasks), err)
	}
	before, err := Resident(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	memory, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(memory)
	if after, err := Resident(os.Getpid()); err != nil || after-before < size/2 || after-before > 2*size {
		t.Errorf("%d bytes more make %d, %v", size, after-before, err)
	}
	if n, err := Status(os.Getpid(), "Thread"); err == nil {
		t.Errorf("the key Thread, which is only the beginning of one, is %d", n)
	}
}

func TestCPU(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, err := ThreadCPU()
	if err != nil {
		t.Fatal(err)
	}
	process, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	family := FamilyCPU(os.Getpid())
	const work = 50 * time.Millisecond
	for now := thread; now-thread < work; {
		if now, err = ThreadCPU(); err != nil {
			t.Fatal(err)
		}
	}
	if now, err := CPU(os.Getpid()); err != nil || now-process < work {
		t.Errorf("%v of work cost the process %v, %v", work, now-process, err)
	}
	if spent := FamilyCPU(os.Getpid()) - family; spent < work-20*time.Millisecond { // in ticks
		t.Errorf("%v of work cost the family %v", work, spent)
	}
}

// Children finds a child, whichever thread has started it, and Exit notices its
// end.
func TestChildren(t *testing.T) {
	runtime.LockOSThread() // so a thread other than the main one may start the child
	defer runtime.UnlockOSThread()
	cmd := exec.Command("cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer stdin.Close()
	pid := cmd.Process.Pid
	if children := Children(os.Getpid()); !slices.Contains(children, pid) {
		t.Errorf("%d is not among the children %v", pid, children)
	}
	if numbers, err := Descriptors(pid); err != nil || !slices.Contains(numbers, 0) {
		t.Errorf("descriptors %v, %v", numbers, err)
	}
	wait, err := Exit(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := wait(0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the child still runs, and waiting for its end returned %v", err)
	}
	if wait, err = Exit(pid); err != nil {
		t.Fatal(err)
	}
	stdin.Close()
	if err := wait(30 * time.Second); err != nil {
		t.Error(err)
	}
}

func TestListens(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if !Listens(port) {
		t.Errorf("no server listens at %v", port)
	}
	if Listens(conn.LocalAddr().(*net.TCPAddr).Port) {
		t.Errorf("a client listens")
	}
	listener.Close()
	if Listens(port) {
		t.Errorf("a server still listens at %v", port)
	}
}
