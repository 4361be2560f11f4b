package transcript

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"fopnp/internal/listings"
	"fopnp/internal/netns"
)

// Announced reports whether a program with this name says in its output that it
// is ready. The table of listings knows the line.
func Announced(program, output string) bool {
	if program == "tcpdump" {
		return strings.Contains(output, "listening on ")
	}
	_, ok := listings.Ready(program, output)
	return ok
}

// A readiness is what we know about a program before it starts in the
// background. It lets us see later what the program has done.
type readiness struct {
	program string
	logs    []log                 // the files that its output goes to
	before  map[netns.Socket]bool // the sockets that were there
	another map[netns.Socket]bool // sockets that were new at the last look
}

// A log is a file that a program adds to, from an offset on.
type log struct {
	path   string
	offset int64
}

// expect prepares for a program that is about to start in the background.
func (s *Session) expect(program string, outputs []Redirection) *readiness {
	r := &readiness{program: program, before: s.sockets()}
	for _, to := range outputs {
		l := log{path: s.Path(to.File)}
		if to.Append {
			if info, err := os.Stat(l.path); err == nil {
				l.offset = info.Size()
			}
		} else {
			// The shell will do the same. But until it does, the announcement
			// of an earlier program is there, and would pass for this one's.
			os.Truncate(l.path, 0)
		}
		r.logs = append(r.logs, l)
	}
	return r
}

// await waits until the program that was last started in the background is
// ready, and returns what is printed meanwhile. It does not connect to find out,
// because a server that takes one client at a time would be busy with us.
func (s *Session) await(r *readiness, output string) (more string, err error) {
	pid := s.pids[0]
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for look := 1; ; look++ {
		// First check whether it is alive: a program that is dead now has
		// already done everything that we check next.
		said, alive, err := s.look(pid)
		if err != nil {
			return "", err
		}
		more += said
		switch {
		case Announced(r.program, output+more) || Announced(r.program, r.said()):
			return more, nil
		// Not at every look, because the kernel walks its tables to list sockets.
		case look%5 == 0 && s.opened(r):
			return more, nil
		case !alive:
			if _, err := s.ask("wait " + pid); err != nil {
				return "", err
			}
			return "", fmt.Errorf("exited with status %d before it was ready%s", s.status, excerpt(r.said()))
		case look >= cmp.Or(s.config.looks, readyLimit):
			return "", fmt.Errorf("did not get ready: it printed no announcement and opened no socket%s", excerpt(r.said()))
		}
		<-tick.C
	}
}

// look reports whether a child of bash is alive, and returns what is printed
// meanwhile.
func (s *Session) look(pid string) (said string, alive bool, err error) {
	if s.atTerminal() {
		return s.lookAtTerminal(pid)
	}
	said, err = s.ask("kill -0 " + pid + " 2>/dev/null")
	alive = s.status == 0
	s.status = 0
	return said, alive, err
}

// said returns what the program has written to its files.
func (r *readiness) said() string {
	var said strings.Builder
	for _, l := range r.logs {
		// Skip a pipe: it has a reader already.
		if info, err := os.Stat(l.path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		f, err := os.Open(l.path)
		if err != nil {
			continue
		}
		// A file that cannot be read announces nothing.
		io.Copy(&said, io.NewSectionReader(f, l.offset, 1<<20))
		f.Close()
	}
	return said.String()
}

// opened reports whether a new socket has been there for two looks. A program
// that looks up a name has one only for a moment.
func (s *Session) opened(r *readiness) bool {
	another := map[netns.Socket]bool{}
	for socket := range s.sockets() {
		if r.another[socket] {
			return true
		}
		if !r.before[socket] {
			another[socket] = true
		}
	}
	r.another = another
	return false
}

// sockets returns the sockets that clients can reach, if the session has a
// private network, where all of them belong to its programs.
func (s *Session) sockets() map[netns.Socket]bool {
	if s.network == nil {
		return nil
	}
	sockets := map[netns.Socket]bool{}
	for _, socket := range s.network.Listeners() {
		sockets[socket] = true
	}
	return sockets
}

// runUntil runs a command. If the command shows the log of a program in the
// background, runUntil repeats it until done says that the output is complete,
// because the program may be about to write the rest. It gives up after ten
// seconds.
func (s *Session) runUntil(c Command, done func(output string) bool) (output string, err error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for look := 1; ; look++ {
		output, err = s.run(c)
		if err != nil || done(output) || !s.showsLog(c.Script) || look >= cmp.Or(s.config.looks, logLimit) {
			return output, err
		}
		<-tick.C
	}
}

// showsLog reports whether a script is "cat FILE", where FILE is the output of a
// program in the background.
func (s *Session) showsLog(script string) bool {
	file, isCat := strings.CutPrefix(script, "cat ")
	if !isCat {
		return false
	}
	for _, j := range s.jobs {
		_, outputs, _ := j.by.Background()
		for _, to := range outputs {
			if to.File == file {
				return true
			}
		}
	}
	return false
}
