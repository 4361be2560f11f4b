package literate

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// announcements are what our programs say, in small letters, when they are ready.
var announcements = []string{
	"listening",
	"is ready",
	"waiting",
	"started on port",
	"connected to", // clients
	"sending",
}

// A readiness is what is known of a program in the background before it starts,
// so as to see later what it has done.
type readiness struct {
	logs    []log           // where its output goes, if not to the session's
	before  map[string]bool // the sockets that were there
	another map[string]bool // those that were there at the last look as well
}

// A log is a file that a program adds to, from an offset on.
type log struct {
	path   string
	offset int64
}

// expect prepares for a program to be started in the background.
func (s *session) expect(script string) *readiness {
	r := &readiness{before: s.sockets()}
	for _, to := range redirections(script) {
		l := log{path: to.name}
		if !filepath.IsAbs(l.path) {
			l.path = filepath.Join(s.cwd, l.path)
		}
		if to.adds {
			if info, err := os.Stat(l.path); err == nil {
				l.offset = info.Size()
			}
		} else {
			// The shell will do the same, but perhaps only after we have taken
			// an earlier program's announcement for this one's.
			os.Truncate(l.path, 0)
		}
		r.logs = append(r.logs, l)
	}
	return r
}

// A redirection is a >name or a >>name.
type redirection struct {
	name string
	adds bool
}

// redirections returns where the output of the last program of a script goes.
func redirections(script string) []redirection {
	var found []redirection
	words := strings.Fields(strings.TrimSuffix(script, "&"))
	for i, word := range words {
		to, redirects := strings.CutPrefix(strings.TrimLeft(word, "&0123456789"), ">")
		if redirects && !strings.HasPrefix(to, "&") {
			name, adds := strings.CutPrefix(to, ">")
			if name == "" && i+1 < len(words) {
				name = words[i+1]
			}
			found = append(found, redirection{strings.Trim(name, `'";)`), adds})
		}
		if word == "&" || word == "&&" || word == "||" || strings.HasSuffix(word, ";") {
			found = nil // they were those of another program
		}
	}
	return found
}

// await returns what is printed until the program that was last started in the
// background is ready. It does not knock: a server that takes one client at a
// time would take us for it.
func (s *session) await(r *readiness, output string) (more string, err error) {
	pid := s.pids[0]
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for look := 1; ; look++ {
		// Alive first: what it has done, it did before it died.
		said, err := s.ask("kill -0 " + pid + " 2>/dev/null")
		if err != nil {
			return "", err
		}
		alive := s.status == 0
		s.status = 0
		more += said
		switch {
		case announces(output+more) || announces(r.said()):
			return more, nil
		// The kernel goes through all that it has to list the sockets.
		case look%5 == 0 && s.opened(r):
			return more, nil
		case !alive:
			if _, err := s.ask("wait " + pid); err != nil {
				return "", err
			}
			return "", fmt.Errorf("exited with status %d before it was ready%s", s.status, excerpt(r.said()))
		case look >= cmp.Or(s.looks, lookLimit):
			return "", fmt.Errorf("has neither announced itself nor opened a socket%s", excerpt(r.said()))
		}
		<-tick.C
	}
}

func announces(output string) bool {
	output = strings.ToLower(output)
	for _, a := range announcements {
		if strings.Contains(output, a) {
			return true
		}
	}
	return false
}

// said returns what the program has written to its files.
func (r *readiness) said() string {
	var said strings.Builder
	for _, l := range r.logs {
		// A pipe is somebody else's to read.
		if info, err := os.Stat(l.path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		f, err := os.Open(l.path)
		if err != nil {
			continue
		}
		// What cannot be read announces nothing.
		io.Copy(&said, io.NewSectionReader(f, l.offset, 1<<20))
		f.Close()
	}
	return said.String()
}

// opened reports whether a new socket has come to stay: looking up a name opens
// one for a moment, too.
func (s *session) opened(r *readiness) bool {
	another := map[string]bool{}
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

// sockets returns the sockets of the session's programs that wait for clients,
// if the session has a network of its own and they are all its own.
func (s *session) sockets() map[string]bool {
	if !s.network {
		return nil
	}
	return waitingSockets(s.bash.Process.Pid)
}

// runUntil runs a command. One that shows the log of a program in the background
// is run again until it shows what it should: the program may have more to say
// of what has just happened. It is not waited for longer than for a program to
// get ready.
func (s *session) runUntil(c command, done func(output string) bool) (output string, err error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for look := 1; ; look++ {
		output, err = s.run(c)
		if err != nil || done(output) || !s.showsLog(c.script) || look >= cmp.Or(s.looks, lookLimit) {
			return output, err
		}
		<-tick.C
	}
}

// showsLog reports whether a script is "cat FILE", where FILE is what a program
// in the background prints to.
func (s *session) showsLog(script string) bool {
	file, isCat := strings.CutPrefix(script, "cat ")
	if !isCat {
		return false
	}
	for _, j := range s.jobs {
		for _, to := range redirections(j.by.script) {
			if to.name == file {
				return true
			}
		}
	}
	return false
}
