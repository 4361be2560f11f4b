package fopnp

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/transcript"
)

// What readers type, and regular expressions of what the screen then shows.
const (
	serve       = `go run ./chapter07/srv_single '' &>server.log &`
	started     = `\[1\] (\d+)\n`
	untilReady  = `until grep -s Listening server.log || ! kill -0 $!; do :; done`
	ready       = `Listening at \('', 1060\)\n`
	terminated  = `\[1\]\+  Terminated +go run \./chapter07/srv_single '' &> server\.log\n`
	ask         = `go run ./chapter07/client localhost`
	answers     = `(?:b'\w+ is better than\?' b'\w+\.'\n){3}`
	untilNobody = `while (: </dev/tcp/127.0.0.1/1060) 2>/dev/null; do :; done`
	refused     = `client: connect to \('localhost', 1060\): connection refused\n`
)

// What the first page says about your own terminal, typed there, with the real go.
func TestYourOwnTerminal(t *testing.T) {
	for _, claim := range []struct {
		name  string
		proof func(r *reader)
	}{
		{"Ctrl-C", func(r *reader) {
			// It reaches both, and go run adds a line only if the program dies of it.
			r.types("go run ./chapter07/srv_single ''", ready+`\^C\n`, ctrlC("Listening"))
			r.types(ask, refused+`exit status 1\n`)
			r.types("go run ./lecture/slides/tcpserv1 &>server.log &", started)
			r.types(`until ( : </dev/tcp/127.0.0.1/2345) 2>/dev/null; do :; done`, "")
			r.types("go run ./lecture/slides/tcpcli1", `Send: \^Csignal: interrupt\n`, ctrlC("Send: "))
		}},
		{"kill %1", func(r *reader) {
			r.types(serve, started)
			r.types(untilReady, ready)
			r.types("kill %1; wait %1", terminated)
			r.types(untilNobody, "")
			r.types(ask, refused+`exit status 1\n`)
		}},
		{"kill %1 %2", func(r *reader) {
			r.types(serve, started)
			r.types("go run ./chapter07/srv_single '' -p 1061 &>other.log &", `\[2\] \d+\n`)
			r.types(untilReady, ready)
			r.types("until grep -s Listening other.log; do :; done", `Listening at \('', 1061\)\n`)
			r.types("kill %1 %2; wait", `(?:\[[12]\][-+]  Terminated .*\n)*`) // wait may hide them
			r.types(untilNobody, "")
			r.types(strings.ReplaceAll(untilNobody, "1060", "1061"), "")
			r.types(ask, refused+`exit status 1\n`)
			r.types(ask+" -p 1061", `client: connect to .*: connection refused\nexit status 1\n`)
		}},
		{"wait", func(r *reader) {
			// Bash forgets a job when it has reported its end.
			pid := r.types(serve, started)[1]
			r.types(untilReady, ready)
			r.types("kill %1; while kill -0 "+pid+" 2>/dev/null; do :; done", terminated)
			r.types("wait %1", `bash: wait: %1: no such job\n`)
		}},
		{"the number of go run", func(r *reader) {
			r.seesProcesses()
			pid := r.types(serve, started)[1]
			r.types(untilReady, ready)
			r.types("pgrep -l -P "+pid, `\d+ srv_single\n`)
			r.types("kill "+pid+"; wait %1", terminated)
			r.types(ask, answers)
			r.types("pkill srv_single", "")
			r.types(untilNobody, "")
		}},
		{"the number of a built program", func(r *reader) {
			r.seesProcesses()
			r.types("go build -o bin/ ./chapter07/srv_single", "")
			pid := r.types("bin/srv_single '' &>server.log &", started)[1]
			r.types(untilReady, ready)
			r.types("pgrep -l -P "+pid, "")
			r.types("kill "+pid+"; wait %1", `\[1\]\+  Done .*\n`)
			r.types(ask, refused+`exit status 1\n`)
		}},
		{"wait and go run", func(r *reader) {
			// The server is held up. Wait returns all the same.
			r.seesProcesses()
			r.types(serve, started)
			r.types(untilReady, ready)
			r.types("pkill -STOP srv_single", "")
			r.types("kill %1; wait %1", terminated)
			r.types("pgrep -l srv_single", `\d+ srv_single\n`)
			r.types("pkill -CONT srv_single", "")
			r.types(untilNobody, "")
		}},
		{"another folder", func(r *reader) {
			r.types("cd chapter07; "+ask, `stat .*: directory not found\n`)
			r.types("cd ../..; "+ask, `go: go.mod file not found .*\n`)
		}},
	} {
		t.Run(claim.name, func(t *testing.T) {
			t.Parallel()
			claim.proof(sit(t))
		})
	}
}

func ctrlC(after string) transcript.Key { return transcript.Key{After: after, Typed: "\x03"} }

// A reader sits at a terminal.
type reader struct {
	*testing.T
	session *transcript.Session
}

func sit(t *testing.T) *reader {
	t.Helper()
	root, err := progtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	home, err := transcript.Config{Root: root, Terminal: true}.NewHome()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(home.Remove)
	session, err := home.Start(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.End() }) // what ran in the background may have failed
	return &reader{t, session}
}

// types types a command, and keys while it runs. All that the screen then shows
// must match want. It returns the match and its groups.
func (r *reader) types(command, want string, keys ...transcript.Key) []string {
	r.Helper()
	screen, err := r.session.Type(command, keys...)
	match := regexp.MustCompile("^(?:" + want + ")$").FindStringSubmatch(screen)
	if err != nil || match == nil {
		r.Fatalf("after %q the screen shows %q (%v), want %s", command, screen, err, want)
	}
	return match
}

// seesProcesses has the session's own processes in /proc, where pgrep looks.
// Otherwise they are numbered there as the host does.
func (r *reader) seesProcesses() {
	r.Helper()
	r.types(`exec unshare --mount sh -c 'mount -t proc proc /proc; exec bash --norc --noprofile -i'`, ".*\n?")
	if screen, err := r.session.Type("cat /proc/$$/comm"); err != nil || screen != "bash\n" {
		r.Skipf("the system does not let us mount /proc: %q (%v)", screen, err)
	}
}
