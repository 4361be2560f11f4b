package progtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience bounds every wait for something that must happen. It is long, so
// that no test depends on how fast the machine is: only a broken program ever
// makes a test wait for it.
const Patience = 30 * time.Second

// A Server is a program that was started and has announced its address, or one
// that was launched and need not.
type Server struct {
	Port     string // where it listens, if it has said so
	Pid      int
	Patience time.Duration // bounds the waits for it, as Patience does at first

	cmd    *exec.Cmd
	output output
	exited chan struct{} // closed when it has
	status error         // what Wait returned, once it has
}

// announcement is the line that every server prints when it is ready, if only
// because its port was given as 0. Creosote's text has words of its own:
//
//	Listening at ('127.0.0.1', 41285)
//	waiting on port: 41285
var announcement = regexp.MustCompile(`(?m)^(?:Listening at|waiting on port:) .*?(\d+)[^\d\n]*$`)

// Start starts a server and waits until it announces its address. What it
// prints to stdout and stderr is collected in the order in which it came, or of
// stdout alone if the command has another place for stderr. Whoever calls Start must see to it that Stop or Kill is called as well.
func Start(cmd *exec.Cmd) (*Server, error) {
	s, err := Launch(cmd)
	if err != nil {
		return nil, err
	}
	line, err := s.WaitFor(announcement)
	if err != nil {
		s.Kill()
		return nil, err
	}
	s.Port = line[1]
	return s, nil
}

// Launch is Start for a program that announces nothing, such as a client.
func Launch(cmd *exec.Cmd) (*Server, error) {
	s := &Server{Patience: Patience, cmd: cmd, exited: make(chan struct{})}
	s.output.changed = make(chan struct{})
	printed, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	widen(printed.(*os.File))
	if cmd.Stderr == nil {
		cmd.Stderr = cmd.Stdout
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.Pid = cmd.Process.Pid
	go func() {
		io.Copy(&s.output, printed) // until nobody has the other end
		s.status = cmd.Wait()
		close(s.exited)
	}()
	return s, nil
}

// MustStart starts a program of Bin as Start does. It fails the test if it cannot,
// and kills the server if the test does not end it.
func MustStart(t testing.TB, name string, args ...string) *Server {
	t.Helper()
	server, err := Start(exec.Command(filepath.Join(Bin(), name), args...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })
	return server
}

// Output is all that the server has printed so far.
func (s *Server) Output() string {
	text, _ := s.output.read()
	return text
}

// WaitFor waits until what the server has printed matches pattern, and returns
// the match with its groups. It is an error if the server exits without.
func (s *Server) WaitFor(pattern *regexp.Regexp) (match []string, err error) {
	err = s.WaitUntil(pattern.String(), func(output string) bool {
		match = pattern.FindStringSubmatch(output)
		return match != nil
	})
	return match, err
}

// WaitUntil waits until isThere says that what is in all that the server has
// printed so far. It is an error if the server exits without.
func (s *Server) WaitUntil(what string, isThere func(output string) bool) error {
	patience := time.NewTimer(s.Patience)
	defer patience.Stop()
	for {
		text, changed := s.output.read()
		if isThere(text) {
			return nil
		}
		select {
		case <-changed:
		case <-s.exited:
			text, _ := s.output.read() // with what it printed last
			if isThere(text) {
				return nil
			}
			return fmt.Errorf("%s exited (%v) and never printed %s, but:\n%s", s.Name(), s.status, what, text)
		case <-patience.C:
			return fmt.Errorf("%s never printed %s, but:\n%s", s.Name(), what, text)
		}
	}
}

// Name is the server's file name.
func (s *Server) Name() string { return s.cmd.Path[strings.LastIndexAny(s.cmd.Path, `/\`)+1:] }

// Signal sends the server a signal.
func (s *Server) Signal(signal os.Signal) error { return s.cmd.Process.Signal(signal) }

// Exited is closed when the server has exited.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Wait waits until the server exits. The error is that of (*exec.Cmd).Wait; or
// says that it never did, or that it panicked or had a data race.
func (s *Server) Wait() error {
	select {
	case <-s.exited:
	case <-time.After(s.Patience):
		s.Kill()
		return fmt.Errorf("%s did not exit; it printed:\n%s", s.Name(), s.Output())
	}
	for _, trouble := range []string{"panic:", "fatal error:", "WARNING: DATA RACE"} {
		if strings.Contains(s.Output(), trouble) {
			return fmt.Errorf("%s: %s", s.Name(), s.Output())
		}
	}
	return s.status
}

// Stop sends the server a signal and waits until it exits, which it must do
// with status 0.
func (s *Server) Stop(signal os.Signal) error {
	if err := s.Signal(signal); err != nil {
		return fmt.Errorf("%s was to be sent %v: %w; it printed:\n%s", s.Name(), signal, err, s.Output())
	}
	if err := s.Wait(); err != nil {
		return fmt.Errorf("%s after %v: %w; it printed:\n%s", s.Name(), signal, err, s.Output())
	}
	return nil
}

// Kill ends the server if it still runs, and reports whether it did.
func (s *Server) Kill() (ran bool) {
	ran = !errors.Is(s.cmd.Process.Kill(), os.ErrProcessDone)
	<-s.exited
	return ran
}

// An output collects what is written to it, and tells those who wait for it.
type output struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed, and made anew, at every write
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(p)
}

func (o *output) read() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.changed
}
