package bench

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/serve/child"
)

// A Process is a program that is measured. The caller must call Stop.
type Process struct {
	*child.Process
	Port   int      // where it listens, if Serve has started it
	output *os.File // what it prints, in memory
}

// Start starts a program. The program prints to memory, so it wakes no other
// process while we measure it. For thread, which may be nil, see child.Starter.
func Start(cmd *exec.Cmd, thread func() error) (*Process, error) {
	fd, err := unix.MemfdCreate("output", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	output := os.NewFile(uintptr(fd), "output")
	// Each line goes to the end, whichever process prints it.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
		output.Close()
		return nil, err
	}
	program, err := child.Starter{Output: output, Thread: thread}.Start(cmd)
	if err != nil {
		output.Close()
		return nil, err
	}
	return &Process{Process: program, output: output}, nil
}

// Serve starts a server as Start does, and waits until it prints a line that
// ready matches, whose group is the port. If ready is nil, the server announces
// itself as its listing does: see listings.Ready.
func Serve(cmd *exec.Cmd, thread func() error, ready *regexp.Regexp) (*Process, error) {
	p, err := Start(cmd, thread)
	if err != nil {
		return nil, err
	}
	var port string
	if ready == nil {
		port, err = p.Ready()
	} else if match, failed := p.WaitFor(ready); failed != nil {
		err = failed
	} else {
		port = match[1]
	}
	if err == nil {
		p.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// Stop ends the program and waits for its end.
func (p *Process) Stop() {
	p.Signal(syscall.SIGTERM)
	p.Wait() // a failure of the server shows in the measurements
	p.output.Close()
}

// CPU returns the CPU time that the program has used so far, or 0 if it has
// ended.
func (p *Process) CPU() time.Duration {
	spent, _ := kernel.CPU(p.Pid)
	return spent
}

// Status returns a number from the program's /proc/PID/status, or 0 if it has
// ended. See kernel.Status.
func (p *Process) Status(key string) float64 {
	n, _ := kernel.Status(p.Pid, key)
	return float64(n)
}

// Resident returns how many bytes of the program are in memory.
func (p *Process) Resident() float64 { return 1024 * p.Status("VmRSS") }

// Peak returns how many bytes of the program were in memory at most.
func (p *Process) Peak() float64 { return 1024 * p.Status("VmHWM") }

// OwnCPU returns the CPU time that the calling thread has used. The caller must
// have locked its goroutine to the thread.
func OwnCPU() time.Duration {
	spent, _ := kernel.ThreadCPU() // a thread can always ask about itself
	return spent
}

// gc is held while the garbage collector is off.
var gc sync.Mutex

// WithoutGC turns the garbage collector off, because it would share the
// processor with the clients, and collects once more. If another goroutine has
// turned it off, WithoutGC waits until that one restores it.
func WithoutGC() (restore func()) {
	gc.Lock()
	percent := debug.SetGCPercent(-1)
	runtime.GC()
	return func() {
		debug.SetGCPercent(percent)
		gc.Unlock()
	}
}
