package netlab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// converseHere is a client whose host is the test: descriptor 3 is the control socket,
// and descriptor 4 the other end of the shell's terminal.
func converseHere() error {
	client, err := newControl(os.NewFile(3, "control"))
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(4, true); err != nil {
		return err
	}
	a, err := converse(client, []*os.File{os.NewFile(4, "terminal")})
	if err == nil {
		os.Exit(a.Status)
	}
	return err
}

// A client is a process that converses with the test.
type client struct {
	*exec.Cmd
	control           // the host's end
	screen   *os.File // where the test sees what the user sees
	terminal *os.File // the user's
	shell    *os.File // the shell's terminal
}

// startClient starts a client at a terminal of 24 lines and 100 columns, and waits
// until that is in raw mode.
func startClient(t *testing.T, cmd *exec.Cmd) *client {
	t.Helper()
	open := func() (ours, theirs *os.File) {
		ours, theirs, err := netns.OpenTerminal()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ours.Close(); theirs.Close() })
		return ours, theirs
	}
	c := &client{Cmd: cmd}
	c.screen, c.terminal = open()
	end, shell := open()
	c.shell = shell
	if err := unix.IoctlSetWinsize(int(c.terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100}); err != nil {
		t.Fatal(err)
	}
	host, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	defer theirs.Close()
	c.control = host
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.terminal, c.terminal, c.terminal
	cmd.ExtraFiles = []*os.File{theirs, end}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timeout := time.AfterFunc(progtest.Patience, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		timeout.Stop()
		cmd.Process.Kill() // fails if it has exited
		cmd.Wait()
	})
	progtest.Until(t, "the terminal is in raw mode", c.raw)
	return c
}

// raw reports whether the user's terminal passes on all keys.
func (c *client) raw() bool {
	mode, err := unix.IoctlGetTermios(int(c.terminal.Fd()), unix.TCGETS)
	return err == nil && mode.Lflag&unix.ISIG == 0
}

// The user may resize the terminal before the client listens for that. So the client
// sets the size of the shell's terminal once, even if it gets no signal.
func TestFirstSize(t *testing.T) {
	t.Parallel()
	c := startClient(t, help(t, "converse"))
	progtest.Until(t, "the shell's terminal has 100 columns", func() bool {
		size, err := unix.IoctlGetWinsize(int(c.shell.Fd()), unix.TIOCGWINSZ)
		return err == nil && size.Col == 100
	})
}

// When a shell ends but a background job keeps its terminal open, the client still
// prints what the shell has written, even if the user's terminal is slow.
func TestLastWords(t *testing.T) {
	t.Parallel()
	c := startClient(t, help(t, "converse"))
	const stop, start = 0, 1 // as Ctrl-S and Ctrl-Q: TCOOFF and TCOON
	flow := func(action int) {
		t.Helper()
		if err := unix.IoctlSetInt(int(c.terminal.Fd()), unix.TCXONC, action); err != nil {
			t.Fatal(err)
		}
	}
	flow(stop)
	io.WriteString(c.shell, "first words, ")
	progtest.Until(t, "the client writes to the terminal", func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", c.Process.Pid))
		for _, thread := range threads {
			call, _ := os.ReadFile(thread)
			if strings.HasPrefix(string(call), fmt.Sprintf("%d 0x1 ", unix.SYS_WRITE)) {
				return true
			}
		}
		return false
	})
	io.WriteString(c.shell, "last words")
	if err := c.send(answer{Status: 5}); err != nil {
		t.Fatal(err)
	}
	progtest.Until(t, "the client has the answer", func() bool {
		fd := -1
		raw, err := c.control.SyscallConn()
		if err == nil {
			err = raw.Control(func(f uintptr) { fd = int(f) })
		}
		unread, err2 := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
		return err == nil && err2 == nil && unread == 0
	})
	flow(start)
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 5 {
		t.Errorf("it ended with %v, want status 5", err)
	}
	const want = "first words, last words"
	buffer := make([]byte, len(want))
	c.screen.SetReadDeadline(time.Now().Add(progtest.Patience))
	if _, err := io.ReadFull(c.screen, buffer); err != nil || string(buffer) != want {
		t.Errorf("it printed %q (%v), want %q", buffer, err, want)
	}
	if c.raw() {
		t.Error("the terminal is still in raw mode")
	}
}

// A client that ignores SIGHUP, as under nohup, goes on when it gets one: it still
// puts the terminal back when another signal ends it.
func TestNoHangUp(t *testing.T) {
	t.Parallel()
	cmd := help(t, "converse")
	nohup := exec.Command("sh", append([]string{"-c", `trap "" HUP; exec "$@"`, "sh"}, cmd.Args...)...)
	nohup.Env = cmd.Env
	c := startClient(t, nohup)
	for _, signal := range []os.Signal{unix.SIGHUP, unix.SIGTERM} {
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	var exit *exec.ExitError
	err := c.Wait()
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGTERM {
		t.Errorf("it ended with %v, want SIGTERM", err)
	}
	if c.raw() {
		t.Error("the terminal is still in raw mode")
	}
}
