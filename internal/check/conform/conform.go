// Package conform tests servers against their contract. Each of its checks
// starts a server, plays clients that behave as well or as badly as those on the
// internet, and compares what the clients receive, what the server prints and
// how it exits with what the contract says.
//
// The suite of a protocol states only what sets the protocol apart: how each
// server is started and which lines it prints (Server), what a client asks, what
// it hears, and what a fault is (Protocol), and checks of its own. Checks holds
// the checks that every server must pass, and Unasked those of servers that
// speak first.
//
// A check never sleeps and then assumes that something has happened. It waits
// for the event itself: an answer, the end of a connection, the line about a
// conversation that ended.
package conform

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// A Server is one row of a suite's table: a server, how it is started, and how
// it differs from the others.
type Server struct {
	Name   string // of the program. The server's lines on stderr begin with it
	AtOnce int    // how many clients it serves at the same time; 0 means no limit
	Lines
	Protocol

	// ServesOne is true if the server serves one client and then exits: with
	// status 0, or 1 if it has reported a fault.
	ServesOne bool

	// Quiet servers announce their address only if the port was given as 0.
	Quiet bool

	// Command returns a command that runs the server with args, which are
	// those of a command line: a host, -p and a port, and other options. If
	// it is nil, the program Name in progtest.Bin() runs.
	Command func(args ...string) *exec.Cmd

	// Children is true if the process that Command starts does not serve
	// clients, but its children do. They must be in its process group, which
	// receives the signals to stop.
	Children bool

	// NotFor names the checks that make no sense for this server, with the
	// reason for each. A name that ends in a slash stands for all checks that
	// begin with it. Checks that other fields rule out are not listed here: see
	// needs.
	NotFor map[string]string

	// Patience bounds each wait for something that must happen; 0 means
	// progtest.Patience. It is shorter where a failure is expected.
	Patience time.Duration

	broken *atomic.Bool // it has failed a check of Run
}

// Lines are the lines that a server prints about its conversations. In these,
// ADDR stands for the client's address, PAIR for the address without quotes as
// in (127.0.0.1, 41285), BYTES for Python's repr of what was received or not
// sent, and WHY for a reason. The server does not print a line that is empty
// here.
type Lines struct {
	// Listening is the line with which the server announces itself. PORT
	// stands for its port, and HOST for its own IP address, which is 0.0.0.0
	// if it listens on every interface. If the line is empty, the server
	// announces its address as it was given.
	Listening string

	Accepted string // a conversation begins
	Closed   string // it ended between two requests
	Half     string // the client closed its side in the middle of a request
	Unsent   string // the conversation broke before all answers were sent; if empty, or if half a request had come, Error reports it
	Error    string // it broke for any other reason

	// ClosedToo is true if Closed ends every conversation: it also follows the
	// line that reports a fault.
	ClosedToo bool

	// Others are regular expressions for whole lines that are not about the
	// end of a conversation.
	Others []string
}

// A Protocol is what clients and servers say to each other.
type Protocol struct {
	Exchange // a request and its answer

	// Flood is an exchange with a long answer to a short request. If it is
	// empty, the checks use Exchange instead.
	Flood Exchange

	// Unfinished is the beginning of a request. A client that leaves after
	// it commits a fault. It is "" if every byte is a request, or if
	// clients need not ask.
	Unfinished string

	// Goodbye is what a client sends before it leaves. It makes the server
	// close the connection. It is "" if a client may leave after any
	// answer.
	Goodbye string

	// Once is true if the server closes the connection after one answer.
	Once bool

	// Longest is how many bytes a request may have before its end; 0 means
	// 4096, and -1 any number.
	Longest int

	// Refuse receives what the server answers to a request that is too long.
	// Nil means that the server only closes the connection.
	Refuse func(*Client)
}

// An Exchange is a client's request and the server's answer.
type Exchange struct {
	Ask  string        // the request, with its end
	Hear func(*Client) // receives the answer, and nothing after it
}

// A Check proves one rule of the contract.
type Check struct {
	Name string

	// Run returns nil if the server keeps the rule, an error that wraps
	// ErrSkipped if this machine cannot tell, and otherwise an error that
	// says how the server broke the rule.
	Run func(Server) error

	shared func(*Trial) // Run for a server that other checks share; nil if it needs its own
}

// ErrSkipped is the error of a check that cannot run on this machine.
var ErrSkipped = errors.New("skipped")

// Shared returns a check that needs no server of its own.
func Shared(name string, check func(*Trial)) Check {
	return Check{name, serving(check), check}
}

// Alone returns a check with a server of its own, which listens at 127.0.0.1
// and gets the options args. The check's Run starts the server, lets check play
// the clients, and stops the server.
func Alone(name string, check func(*Trial), args ...string) Check {
	return Check{Name: name, Run: serving(check, args...)}
}

// AloneAt is Alone with another host for the server.
func AloneAt(host, name string, check func(*Trial), args ...string) Check {
	return Check{Name: name, Run: servingAt(host, check, args...)}
}

// Tries returns the check with n tries, each with a server of its own. The
// server must pass one of them. It is for rules that a correct server breaks
// only on a busy machine, where the server or the client gets too little CPU
// time.
func (c Check) Tries(n int) Check {
	once := c.Run
	c.shared = nil
	c.Run = func(s Server) (err error) {
		for range n {
			if err = once(s); err == nil || errors.Is(err, ErrSkipped) {
				break
			}
		}
		return err
	}
	return c
}

// Checks are the checks that every server must pass. Those that look into the
// server's process or into the kernel's tables exist only on Linux.
var Checks = slices.Concat(
	conversationChecks, faultChecks, timeoutChecks, crowdChecks, stopChecks,
	callChecks, kernelChecks)

// Named returns those of checks that have the given names. A name that ends in
// a slash stands for all checks that begin with it. Named panics if there is no
// such check.
func Named(checks []Check, names ...string) []Check {
	var found []Check
	for _, name := range names {
		before := len(found)
		for _, check := range checks {
			if covers(name, check.Name) {
				found = append(found, check)
			}
		}
		if len(found) == before {
			panic("conform: no check is named " + name)
		}
	}
	return found
}

// Run puts a server through checks, each a subtest of t. One process serves all
// checks that can share it, one after another, because starting a process for
// each would take most of the time. Each of the other checks has its own.
func Run(t *testing.T, s Server, checks []Check) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signal that tells a server to stop")
	}
	s.broken = new(atomic.Bool)
	for name := range s.NotFor {
		if !slices.ContainsFunc(checks, func(c Check) bool { return covers(name, c.Name) }) {
			t.Errorf("NotFor of %s names %q, but there is no such check", s.Name, name)
		}
	}
	t.Run("shared", func(t *testing.T) {
		t.Parallel()
		runShared(t, s, checks)
	})
	for _, check := range checks {
		if check.shared == nil {
			t.Run(check.Name, func(t *testing.T) {
				t.Parallel()
				s.skipIfNotFor(t, check)
				s.report(t, check.Run(s))
			})
		}
	}
}

// runShared runs all checks that can share a server. After a check that fails,
// it starts another server for the next one.
func runShared(t *testing.T, s Server, checks []Check) {
	var server *Trial
	defer func() {
		if server != nil {
			s.report(t, server.finish())
		}
	}()
	for _, check := range checks {
		if check.shared == nil {
			continue
		}
		t.Run(check.Name, func(t *testing.T) {
			s.skipIfNotFor(t, check)
			if server == nil {
				var err error
				if server, err = start(s, "127.0.0.1"); err != nil {
					s.report(t, err)
					return
				}
			}
			check.shared(server)
			server.closeAll()
			if server.Failed() || s.ServesOne {
				s.report(t, server.finish())
				server = nil
			}
		})
	}
}

// covers reports whether a key of NotFor stands for the check with this name.
func covers(key, name string) bool {
	return key == name || strings.HasSuffix(key, "/") && strings.HasPrefix(name, key)
}

func (s Server) skipIfNotFor(t *testing.T, check Check) {
	for _, need := range needs {
		if !need.met(s) && slices.ContainsFunc(need.checks, func(name string) bool { return covers(name, check.Name) }) {
			t.Skipf("not for %s: %s", s.Name, need.unmet)
		}
	}
	for name, why := range s.NotFor {
		if covers(name, check.Name) {
			t.Skipf("not for %s: %s", s.Name, why)
		}
	}
}

// needs are properties of a server without which some checks make no sense.
var needs = []struct {
	met    func(Server) bool
	unmet  string   // why the checks are not for a server
	checks []string // as in NotFor
}{
	{func(s Server) bool { return s.Unfinished != "" }, "no request of its clients is unfinished", []string{
		"half a request", "half a request/", "reset/half a request", "reset/unanswered", "silence/half a request", "stop/half a request",
		"a byte at a time",
	}},
	{func(s Server) bool { return s.Longest >= 0 }, "no request is too long for it", []string{
		"too long", "too long/", "endless",
	}},
	{func(s Server) bool { return s.Longest >= 0 || s.Once }, "no request is too long for it", []string{
		"unread input",
	}},
	{func(s Server) bool { return !s.Once }, "it answers a client once", []string{
		"pipelined", "half a request/half-close", "reset/half a request", "reset/unanswered", "silence/half a request", "silence/between requests",
		"stop/half a request", "too long/after requests", "keeps asking", "never reads", "slow reader", "slow reader/", "stop/never reads",
	}},
	{func(s Server) bool { return s.Ask != "" }, "clients need not ask", []string{
		"reset", "silence", "silence/", "out of descriptors", "descriptors are closed", "stop/unread input",
	}},
	{func(s Server) bool { return s.Ask == "" && s.Once }, "clients have to ask", []string{
		"unasked/",
	}},
	{func(s Server) bool { return !s.ServesOne }, "it serves one client", []string{
		"one after another", "at once", "churn", "silence/next client", "out of descriptors", "descriptors are closed",
	}},
}

// report reports the error of a check. After a failure, the server's other
// checks give up sooner. Otherwise a server that fails most of them would take
// longer than go test allows.
func (s Server) report(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, ErrSkipped) {
		t.Skip(err)
	}
	if err != nil {
		t.Error(err)
		s.broken.Store(true)
	}
}

// wait returns how long to wait for an event that must happen.
func (s Server) wait() time.Duration {
	switch {
	case s.Patience != 0:
		return s.Patience
	case s.broken != nil && s.broken.Load():
		return 5 * time.Second
	}
	return progtest.Patience
}

// command returns the command that runs the server with args.
func (s Server) command(args ...string) *exec.Cmd {
	var cmd *exec.Cmd
	if s.Command != nil {
		cmd = s.Command(args...)
	} else {
		cmd = exec.Command(filepath.Join(progtest.Bin(), s.Name), args...)
	}
	if os.Getenv("GORACE") == "" {
		// A program with the race detector sleeps for a second before it
		// exits, in case another thread has still to report a race.
		cmd.Env = append(cmd.Environ(), "GORACE=atexit_sleep_ms=20")
	}
	return cmd
}

// With returns the server with one more environment variable, NAME=VALUE.
func (s Server) With(variable string) Server {
	command := s.command
	s.Command = func(args ...string) *exec.Cmd {
		cmd := command(args...)
		cmd.Env = append(cmd.Environ(), variable)
		return cmd
	}
	return s
}

// longAnswers returns the exchange for the checks that fill the server's buffers.
func (p Protocol) longAnswers() Exchange {
	if p.Flood.Hear == nil {
		return p.Exchange
	}
	return p.Flood
}

// tooLong returns the beginning of a request that is longer than the server
// allows.
func (p Protocol) tooLong() string {
	if p.Longest == 0 {
		p.Longest = 4096
	}
	return strings.Repeat("x", p.Longest+1)
}

// Answer returns the Hear of an Exchange whose answer is always text.
func Answer(text string) func(*Client) {
	return func(c *Client) { c.Expect(text) }
}
