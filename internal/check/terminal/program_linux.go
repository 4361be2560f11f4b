package terminal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// A Program runs at a terminal.
type Program struct {
	t        testing.TB
	cmd      *exec.Cmd
	terminal *os.File
	theirs   *os.File // so that the terminal outlives the program
	exited   chan error

	mu      sync.Mutex
	screen  *Screen
	changed chan struct{} // closed, and made anew, whenever the screen changes
}

const rows = 24

// Start starts a program of progtest.Bin at a terminal that is columns wide. The
// program is killed if it still runs when the test ends.
func Start(t testing.TB, columns int, name string, args ...string) *Program {
	t.Helper()
	return StartCommand(t, columns, exec.Command(filepath.Join(progtest.Bin(), name), args...))
}

// StartCommand is Start for a command that has not been started. It sets the
// command's standard files and its SysProcAttr. If the command has a Stderr, it
// keeps that.
func StartCommand(t testing.TB, columns int, cmd *exec.Cmd) *Program {
	t.Helper()
	ours, theirs, err := netns.OpenTerminal()
	if err != nil {
		t.Fatal(err)
	}
	p := &Program{
		t: t, terminal: ours, theirs: theirs, exited: make(chan error, 1),
		screen: NewScreen(columns, rows), changed: make(chan struct{}),
		cmd: cmd,
	}
	p.resize(columns)
	p.cmd.Stdin, p.cmd.Stdout = theirs, theirs
	if p.cmd.Stderr == nil {
		p.cmd.Stderr = theirs
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read()
	}()
	go func() { p.exited <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.cmd.Process.Kill() // fails if it has exited
		theirs.Close()
		ours.Close()
		<-read
	})
	return p
}

// read shows what the program writes.
func (p *Program) read() {
	buffer := make([]byte, 4096)
	for {
		n, err := p.terminal.Read(buffer)
		p.mu.Lock()
		p.screen.Write(buffer[:n])
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Type presses keys, such as "\r" for Enter and "\x03" for Ctrl-C.
func (p *Program) Type(keys string) {
	p.t.Helper()
	p.terminal.SetWriteDeadline(time.Now().Add(progtest.Patience))
	if _, err := io.WriteString(p.terminal, keys); err != nil {
		p.t.Fatal(err)
	}
}

// Shows waits until the screen shows exactly want.
func (p *Program) Shows(want string) {
	p.t.Helper()
	p.until(want, func(s *Screen) bool { return s.String() == want })
}

// Contains waits until the screen shows want somewhere.
func (p *Program) Contains(want string) {
	p.t.Helper()
	p.until("..."+want+"...", func(s *Screen) bool { return strings.Contains(s.String(), want) })
}

// Cursor waits until the cursor is in a row and a column, which begin at 0.
func (p *Program) Cursor(row, column int) {
	p.t.Helper()
	p.until(fmt.Sprintf("the cursor at %d, %d", row, column), func(s *Screen) bool {
		r, c := s.Cursor()
		return r == row && c == column
	})
}

// until waits until the screen is as it should be.
func (p *Program) until(want string, isTrue func(*Screen) bool) {
	p.t.Helper()
	patience := time.After(progtest.Patience)
	for {
		p.mu.Lock()
		done, shown, err, changed := isTrue(p.screen), p.screen.String(), p.screen.Err(), p.changed
		row, column := p.screen.Cursor()
		p.mu.Unlock()
		if err != nil {
			p.t.Fatalf("%v; the screen shows:\n%s", err, shown)
		}
		if done {
			return
		}
		select {
		case <-changed:
		case <-patience:
			p.t.Fatalf("the screen shows this, with the cursor at %d, %d:\n%s\nwant:\n%s", row, column, shown, want)
		}
	}
}

// Resize makes the terminal narrower or wider, as if the user had dragged the
// window's edge. The screen keeps its size.
func (p *Program) Resize(columns int) {
	p.t.Helper()
	p.resize(columns)
}

func (p *Program) resize(columns int) {
	size := &unix.Winsize{Row: rows, Col: uint16(columns)}
	if err := unix.IoctlSetWinsize(int(p.theirs.Fd()), unix.TIOCSWINSZ, size); err != nil {
		p.t.Fatal(err)
	}
}

// Exits waits until the program exits, which it must do with a given status. A
// program that was killed by a signal has the status 128 plus the signal's
// number. The terminal must be as it was when the program began.
func (p *Program) Exits(status int) {
	p.t.Helper()
	select {
	case err := <-p.exited:
		got := 0
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			wait := exit.Sys().(syscall.WaitStatus)
			if got = exit.ExitCode(); wait.Signaled() {
				got = 128 + int(wait.Signal())
			}
		} else if err != nil {
			p.t.Fatal(err)
		}
		if got != status {
			p.t.Errorf("it exited with status %d, want %d", got, status)
		}
	case <-time.After(progtest.Patience):
		p.mu.Lock()
		defer p.mu.Unlock()
		p.t.Fatalf("it did not exit; the screen shows:\n%s", p.screen)
	}
	mode, err := unix.IoctlGetTermios(int(p.theirs.Fd()), unix.TCGETS)
	const cooked = unix.ECHO | unix.ICANON | unix.ISIG
	if err != nil || mode.Lflag&cooked != cooked || mode.Oflag&unix.OPOST == 0 {
		p.t.Errorf("it left the terminal in another mode: %+v, %v", mode, err)
	}
}

// Signal sends the program a signal.
func (p *Program) Signal(signal os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}
