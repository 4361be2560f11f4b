// Package zentest holds servers of the Zen protocol against their contract:
// each of its checks starts a server, plays one or more clients that behave as
// well or as badly as those on the internet do, and compares what they hear,
// what the server prints and how it exits with what the contract says.
//
// A check never waits for time to pass and then takes for granted that
// something has happened. It waits for the event itself: an answer, the end of
// a connection, the line about an ended conversation.
package zentest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// A Server is one row of the table: a Zen server, and the lines that it prints
// about its conversations. In these, ADDR stands for the client's address,
// BYTES for Python's repr of what was received, or not sent, and WHY for a
// reason. An empty line is one that the server does not print.
type Server struct {
	Name   string // of the program; it opens the server's lines on stderr
	AtOnce int    // how many conversations it serves at once; 0 is no limit

	Accepted string // a conversation begins
	Closed   string // it ended between two questions
	Half     string // the client hung up with half a question asked
	Unsent   string // the conversation broke before all answers were sent; else Error says so
	Error    string // it broke for any other reason

	Quiet bool // announces its address only if the port was given as 0

	// Command returns a command that runs the server. Nil stands for the
	// program Name in progtest.Bin().
	Command func(args ...string) *exec.Cmd

	patience time.Duration // instead of progtest.Patience, where failure is expected
}

// Servers are the servers of chapter 7.
var Servers = []Server{
	likeSingle("srv_single", 1),
	likeSingle("srv_threaded", 4),
	{
		Name:     "srv_async",
		Accepted: "Accepted connection from ADDR",
		Closed:   "Client ADDR closed socket normally",
		Half:     "Client ADDR sent BYTES but then closed",
		Unsent:   "Client ADDR closed before we sent BYTES",
		Error:    "Client ADDR error: WHY",
	},
	{
		Name:     "srv_asyncio1",
		Accepted: "Accepted connection from ADDR",
		Closed:   "Client ADDR closed socket",
		Half:     "Client ADDR sent BYTES but then closed",
		Error:    "Client ADDR error: WHY",
	},
	{
		Name:     "srv_asyncio2",
		Accepted: "Accepted connection from ADDR",
		Closed:   "Client ADDR closed socket normally",
		Half:     "Client ADDR sent BYTES but then closed",
		Error:    "Client ADDR error: WHY",
	},
	{
		Name:   "srv_legacy1",
		Closed: "Client socket to ADDR has closed",
		Half:   "Client ADDR error: received BYTES then socket closed",
		Error:  "Client ADDR error: WHY",
		Quiet:  true,
	},
	{
		Name:  "srv_legacy2",
		Half:  "srv_legacy2: client ADDR: received BYTES then socket closed",
		Error: "srv_legacy2: client ADDR: WHY",
	},
}

// likeSingle is a server that prints the lines of srv_single.
func likeSingle(name string, atOnce int) Server {
	return Server{
		Name:     name,
		AtOnce:   atOnce,
		Accepted: "Accepted connection from ADDR",
		Closed:   "Client socket to ADDR has closed",
		Half:     "Client ADDR error: received BYTES then socket closed",
		Error:    "Client ADDR error: WHY",
	}
}

// command is how to run the server.
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

// wait is how long to wait for what must happen.
func (s Server) wait() time.Duration {
	if s.patience != 0 {
		return s.patience
	}
	return progtest.Patience
}

// A Check proves one rule of the contract. Its error says how the server
// broke it, or is errSkipped.
type Check struct {
	Name string
	Run  func(Server) error

	// shared is what Run does to a server that it has started, if other checks
	// may have been made of that server before and others may follow.
	shared func(*trial)
}

// errSkipped is the error of a check that cannot be made here.
var errSkipped = errors.New("skipped")

// Checks are all checks. Those that look into the server's process or into
// the kernel's tables are there on Linux only.
var Checks = slices.Concat(
	conversationChecks, faultChecks, timeoutChecks, crowdChecks, stopChecks,
	callChecks, linuxChecks)

// Run puts a server through every check, each a subtest of t. One process
// serves all checks that can share it, one after the other, because to start
// that many takes most of the time; each of the others has its own.
func Run(t *testing.T, s Server) {
	if runtime.GOOS == "windows" {
		t.Skip("a server cannot be told to stop by a signal here")
	}
	t.Run("shared", func(t *testing.T) {
		t.Parallel()
		runShared(t, s)
	})
	for _, check := range Checks {
		if check.shared == nil {
			t.Run(check.Name, func(t *testing.T) {
				t.Parallel()
				report(t, check.Run(s))
			})
		}
	}
}

// runShared makes all checks that can share a server. One that has failed a
// check is not used for the next.
func runShared(t *testing.T, s Server) {
	var server *trial
	defer func() {
		if server != nil {
			report(t, server.finish())
		}
	}()
	for _, check := range Checks {
		if check.shared == nil {
			continue
		}
		t.Run(check.Name, func(t *testing.T) {
			if server == nil {
				var err error
				if server, err = start(s, "127.0.0.1"); err != nil {
					t.Fatal(err)
				}
			}
			check.shared(server)
			server.hangUp()
			if server.failed() {
				report(t, server.finish())
				server = nil
			}
		})
	}
}

func report(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, errSkipped) {
		t.Skip(err)
	}
	if err != nil {
		t.Error(err)
	}
}
