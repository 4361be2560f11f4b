package netlab

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"fopnp/internal/netns"
)

// login runs a shell or a command for a client. If the client is at a terminal, the
// shell gets a new terminal on the host, and the client gets its other end. Otherwise
// the shell gets the client's own files. In both cases errors go to the client's own
// file, unless that is a terminal as well.
func (s *server) login(client control, r request, files [3]*os.File) {
	defer client.Close()
	var ours []*os.File // our end of the new terminal
	if r.Terminal != nil {
		terminal, theirs, err := netns.OpenTerminal()
		if err == nil {
			ours = []*os.File{terminal}
			err = unix.IoctlSetWinsize(int(theirs.Fd()), unix.TIOCSWINSZ, r.Terminal)
		}
		if err != nil {
			closeAll(files[:])
			client.send(answer{Error: "open a terminal: " + err.Error()})
			return
		}
		for i, f := range files {
			if i < 2 || term.IsTerminal(int(f.Fd())) {
				f.Close()
				files[i] = theirs
			}
		}
	}
	// A client that does not get this answer may ask again. So send it before the
	// command starts, or the command could run twice.
	err := client.send(answer{Started: true}, ours...)
	closeAll(ours) // when the client closes it, the shell gets SIGHUP
	if err != nil {
		closeAll(files[:])
		return
	}
	command := s.command(r)
	p, err := spawn(shell(), command.argv, command.env, command.dir, files, ours != nil, nil)
	closeAll(files[:])
	if err != nil {
		client.send(answer{Error: err.Error()})
		return
	}
	ended := make(chan syscall.WaitStatus, 1)
	go func() { ended <- p.Wait() }()
	gone := make(chan struct{})
	go func() {
		client.receive(&request{}) // it returns an error when the client leaves: a client sends no second request
		close(gone)
	}()
	select {
	case status := <-ended:
		client.send(answer{Status: exitStatus(status)})
	case <-gone:
		unix.Kill(-p.Pid(), unix.SIGHUP)
	}
}

// A command says how to start a shell or a client's command.
type command struct {
	argv, env []string
	dir       string
}

func (s *server) command(r request) command {
	c := command{dir: "/root", env: slices.Concat(s.config.environment(), r.Env,
		[]string{"HOME=/root", "USER=root", "LOGNAME=root", "SHELL=" + shell()})}
	if within(r.Dir, s.config.Repository) {
		c.dir = r.Dir
	}
	name := filepath.Base(shell())
	switch len(r.Command) {
	case 0:
		c.argv = []string{"-" + name} // a login shell
	case 1:
		c.argv = []string{name, "-c", "--", string(r.Command[0])} // the line may begin with a hyphen
	default: // a program and its arguments, which the shell must not interpret
		c.argv = []string{name, "-c", `"$@"`, name}
		for _, word := range r.Command {
			c.argv = append(c.argv, string(word))
		}
	}
	return c
}

// exitStatus returns a process's exit status as a shell reports it.
func exitStatus(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// terminalEnv returns the variables that describe the user's terminal to a shell.
func terminalEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case name == "TERM", name == "COLORTERM", name == "LANG", strings.HasPrefix(name, "LC_"):
			env = append(env, v)
		}
	}
	return env
}
