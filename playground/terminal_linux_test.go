package main

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/terminal"
)

// shellAtTerminal starts a shell on this machine, in which the command playground
// means a playground that no other test joins.
func shellAtTerminal(t *testing.T) *terminal.Program {
	cmd := exec.Command("bash", "--norc", "-i")
	cmd.Env = append(own(), "PS1=here$ ", "PATH="+progtest.Bin()+":"+os.Getenv("PATH"))
	cmd.Dir = t.TempDir()
	p := atTerminal(t, cmd)
	p.Contains("here$")
	return p
}

// A shell ends at once, even if it leaves a job behind that has the terminal open.
func TestJobLeft(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	p := atTerminal(t, command("h1"))
	p.Contains("root@h1:")
	p.Type("sleep 1000 &\r")
	p.Contains("[1]")
	p.Type("seq -s ' ' 50; exit 5\r")
	p.Exits(5)
	p.Contains("49 50")
}

// In the background of a terminal, a command does not stop, and it takes no input
// from the terminal. Others join its playground.
func TestBackground(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	p := shellAtTerminal(t)
	p.Type("playground www 'cat; echo up on $(hostname); exec sleep 1000' &\r")
	p.Contains("up on www")
	p.Type("playground h2 hostname\r")
	p.Contains("\nh2\n")
	p.Type("kill %1; wait; exit\r")
	p.Exits(0)
}

// Others can join a playground even if the process that brought it up is stopped.
func TestStopped(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	p := shellAtTerminal(t)
	p.Type("playground h1 'echo up on $(hostname); exec sleep 1000' | cat\r")
	p.Contains("\nup on h1")
	p.Type("\x1a")
	p.Contains("Stopped")
	p.Type("playground h2 hostname\r")
	p.Contains("\nh2\n")
	p.Type("kill -9 %1; exec true\r")
	p.Exits(0)
}

// A signal that ends the program leaves the terminal as it was.
func TestSignalAtTerminal(t *testing.T) {
	needsNamespaces(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := atTerminal(t, command("h1"))
			p.Contains("root@h1:")
			p.Signal(signal)
			p.Exits(128 + int(signal))
		})
	}
}

// At a terminal, errors can go to a file.
func TestErrorsToFile(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	p := shellAtTerminal(t)
	p.Type(strings.Join([]string{
		"playground h1 'test -t 0 && test -t 1 && echo at a terminal; echo oops >&2' 2>err.log",
		`echo "the file has $(cat err.log)"` + "\r",
	}, "; "))
	p.Contains("\nat a terminal\nthe file has oops\n")
	p.Type("exit\r")
	p.Exits(0)
}
