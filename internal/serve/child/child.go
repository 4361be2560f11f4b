// Package child starts programs that end when this one does. It collects what
// they print, waits until they are ready, and stops them.
package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"fopnp/internal/listings"
)

// Patience limits every wait for something that must happen. It is long, so
// nothing depends on how fast the machine is: only a broken program makes
// anybody wait so long.
const Patience = 30 * time.Second

// A Process is a program that was started.
type Process struct {
	Pid      int
	Patience time.Duration // limits each wait for the program; Start sets it to Patience

	cmd    *exec.Cmd
	output output
	exited chan struct{} // closed when the program has exited
	status error         // what cmd.Wait returned; read it after exited
}

// A Starter says how to start a program. Its zero value is what Start uses.
type Starter struct {
	// Output is an empty file for what the program prints. The caller closes it.
	// A program that prints to a file wakes nobody: the methods that wait for
	// output read the file every millisecond. If Output is nil, the program
	// prints to a pipe, and a goroutine collects the output.
	Output *os.File

	// Thread, if not nil, is called on the thread that starts the program, to
	// change what the program inherits from it. The thread does nothing else and
	// ends with the program.
	Thread func() error
}

// Start starts a program. Start collects what the program prints to stdout and
// stderr in one stream, or to stdout alone if cmd.Stderr is set. cmd.Stdout must
// not be set.
//
// When this program ends, in whatever way, the started program is killed: on
// Linux by the kernel, on other Unix systems by a shell that waits for our end.
// Elsewhere it goes on, so there the caller must call Kill or Stop.
func Start(cmd *exec.Cmd) (*Process, error) { return Starter{}.Start(cmd) }

// Start starts a program in the way that s says. For the rest see the function
// Start.
func (s Starter) Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{Patience: Patience, cmd: cmd, exited: make(chan struct{})}
	printed := io.Reader(strings.NewReader(""))
	if s.Output != nil {
		p.output = file{s.Output}
		cmd.Stdout = s.Output
	} else {
		pipe, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		widen(pipe.(*os.File))
		p.output, printed = newCollected(), pipe
	}
	if cmd.Stderr == nil {
		cmd.Stderr = cmd.Stdout
	}
	started := make(chan error)
	go p.run(s.Thread, printed, started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run starts the program and returns when it has exited. It reports on started
// whether the program runs.
func (p *Process) run(thread func() error, printed io.Reader, started chan<- error) {
	// The kernel treats the thread that starts a program as the program's
	// parent. So this thread must last as long as the program. It is never
	// unlocked, so it ends with this goroutine, and no other goroutine inherits
	// what Thread did to it.
	runtime.LockOSThread()
	release, err := p.start(thread)
	if err != nil {
		started <- err
		return
	}
	go func() {
		if collected, ok := p.output.(*collected); ok {
			io.Copy(collected, printed) // until no process has the other end
		}
		p.status = p.cmd.Wait()
		release()
		close(p.exited)
	}()
	started <- nil
	<-p.exited
}

// start starts the program on the current thread, and makes it end with us
// until release is called.
func (p *Process) start(thread func() error) (release func(), err error) {
	if thread != nil {
		if err := thread(); err != nil {
			return nil, err
		}
	}
	endWithUs(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.Pid = p.cmd.Process.Pid
	release, err = guard(p.Pid)
	if err != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	}
	return release, err
}

// Name returns the file name of the program, without the .exe of Windows.
func (p *Process) Name() string { return strings.TrimSuffix(filepath.Base(p.cmd.Path), ".exe") }

// Output returns what the program has printed so far.
func (p *Process) Output() string {
	text, _ := p.output.read()
	return text
}

// Ready waits until the program, a server, says that it is ready, and returns
// the port where it listens. See listings.Ready.
func (p *Process) Ready() (port string, err error) {
	err = p.WaitUntil("that it is ready", func(output string) (ok bool) {
		port, ok = listings.Ready(p.Name(), output)
		return ok
	})
	return port, err
}

// WaitFor waits until the output matches pattern, and returns the match with its
// groups. It returns an error if the program exits, or Patience passes, without
// a match.
func (p *Process) WaitFor(pattern *regexp.Regexp) (match []string, err error) {
	err = p.WaitUntil(pattern.String(), func(output string) bool {
		match = pattern.FindStringSubmatch(output)
		return match != nil
	})
	return match, err
}

// WaitUntil waits until isThere returns true for the output. It returns an
// error, which names what, if the program exits or Patience passes before that.
func (p *Process) WaitUntil(what string, isThere func(output string) bool) error {
	patience := time.NewTimer(p.Patience)
	defer patience.Stop()
	for {
		text, changed := p.output.read()
		if isThere(text) {
			return nil
		}
		select {
		case <-changed:
		case <-p.exited:
			text, _ := p.output.read() // the last lines may have come meanwhile
			if isThere(text) {
				return nil
			}
			return fmt.Errorf("%s exited (%v) and never printed %s%s", p.Name(), p.cmd.ProcessState, what, but(text))
		case <-patience.C:
			return fmt.Errorf("%s never printed %s%s", p.Name(), what, but(text))
		}
	}
}

// but returns what else a program has printed, for the end of an error.
func but(text string) string {
	if text == "" {
		return ""
	}
	return ", but:\n" + text
}

// Signal sends the program a signal.
func (p *Process) Signal(signal os.Signal) error { return p.cmd.Process.Signal(signal) }

// Exited returns a channel that is closed when the program has exited.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Wait waits until the program exits. It returns the error of (*exec.Cmd).Wait,
// or an error if the program does not exit within Patience, panicked or had a
// data race. A program that does not exit is killed.
func (p *Process) Wait() error {
	patience := time.NewTimer(p.Patience)
	defer patience.Stop()
	select {
	case <-p.exited:
	case <-patience.C:
		p.Kill()
		return fmt.Errorf("%s did not exit; it printed:\n%s", p.Name(), p.Output())
	}
	for _, trouble := range []string{"panic:", "fatal error:", "WARNING: DATA RACE"} {
		if strings.Contains(p.Output(), trouble) {
			return fmt.Errorf("%s: %s", p.Name(), p.Output())
		}
	}
	return p.status
}

// Stop sends the program a signal and waits until it exits. It returns an error
// if the exit status is not 0.
func (p *Process) Stop(signal os.Signal) error {
	if err := p.Signal(signal); err != nil {
		return fmt.Errorf("send %v to %s: %w; it printed:\n%s", signal, p.Name(), err, p.Output())
	}
	if err := p.Wait(); err != nil {
		return fmt.Errorf("%s after %v: %w; it printed:\n%s", p.Name(), signal, err, p.Output())
	}
	return nil
}

// Kill ends the program if it still runs, and reports whether it was still
// running.
func (p *Process) Kill() (ran bool) {
	ran = !errors.Is(p.cmd.Process.Kill(), os.ErrProcessDone)
	<-p.exited
	return ran
}
