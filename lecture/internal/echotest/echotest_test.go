package echotest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// If these environment variables are set, the test binary is the wrong server.
// They name its defect and its kind.
const isServer, kindOf = "ECHOTEST_DEFECT", "ECHOTEST_KIND"

// A kind is a kind of server.
type kind string

const (
	oneRecvKind    kind = "one recv"
	oneClientKind  kind = "one client"
	oneMessageKind kind = "one message"
	threadsKind    kind = "one message in threads"
)

func TestMain(m *testing.M) {
	if defect, is := os.LookupEnv(isServer); is {
		os.Exit(serveWrong(defect, kind(os.Getenv(kindOf)), os.Args[1:]))
	}
	progtest.Parallel()
	os.Exit(m.Run())
}

// server returns a row for the wrong server with a defect, or with none.
func server(kind kind, row conform.Server, defect string) conform.Server {
	row.Command = func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), isServer+"="+defect, kindOf+"="+string(kind))
		return cmd
	}
	if defect != "" {
		row.Patience = 1500 * time.Millisecond
	}
	return row
}

// suites name, for each check, the defects that break its rule. If there are
// several, each alone breaks it. Besides the checks of this package, there are
// some of package conform that cover more of these servers than of others.
var suites = []struct {
	kind    kind
	row     conform.Server
	checks  []conform.Check
	defects map[string]string
}{
	{oneRecvKind, oneRecvServer("wrong"), oneRecvChecks, map[string]string{
		"every byte":       "decodes, strips",
		"one recv":         "short recv, long recv",
		"second message":   "second message echoed",
		"silent client":    "many at once, faults are silent",
		"unread megabyte":  "closes with input unread",
		"unread megabytes": "reads on for ever, echo is empty",
		"announcement":     "second message echoed",
		"reset":            "faults are silent",
		"half-close":       "echo is empty",
	}},
	{oneClientKind, oneClientServer("wrong"), oneClientChecks, map[string]string{
		"every byte":   "decodes, strips",
		"byte by byte": "one recv",
		"a megabyte":   "one recv",
		"queue":        "many at once, serves the next",
		"announcement": "serves the next, status of a fault",
		"nothing":      "serves the next, status of a fault",
		"reset":        "fault has status 0, faults are silent",
		"silence":      "fault has status 0, faults are silent",
	}},
	{oneMessageKind, listeningAt(oneMessageServer("wrong", 1, same)), oneMessageChecks(same), map[string]string{
		"messages": "empty message ends it, strips, prints what comes, prints twice, " +
			"Socket error for all, echo is empty, short messages, Closed before the echo",
		"message in pieces":      "one recv, decodes pieces",
		"several messages":       "echoes all, does not name the rest, names the rest first, no echo with a rest, small room",
		"not UTF-8":              "echoes any bytes, ends at any bytes, does not name any bytes",
		"socket error":           "no Socket error, faults are silent, nothing is a fault",
		"too long for a message": "long messages",
		"beside a silent client": "echo is empty",
		"silence in a message":   "faults are silent, does not name half, no timeout",
		"announcement":           "shows no address",
		"quiet":                  "shows no address",
		"half a request":         "Closed is missing, fault after Closed",
	}},
	{threadsKind, listeningAt(oneMessageServer("wrong", 0, addressed)), oneMessageChecks(addressed), map[string]string{
		"messages":               "echo has no address",
		"message in pieces":      "echo has no address",
		"several messages":       "echo has no address",
		"not UTF-8":              "echoes any bytes",
		"socket error":           "no Socket error",
		"too long for a message": "long messages",
		"beside a silent client": "one at a time",
		"silence in a message":   "no timeout",
	}},
}

// listeningAt returns a row with the announcement that package progtest expects
// of a program that it does not know.
func listeningAt(row conform.Server) conform.Server {
	row.Listening = "Listening at ('HOST', PORT)"
	return row
}

func same(_ netip.AddrPort, msg string) string { return msg }

func addressed(client netip.AddrPort, msg string) string { return pyfmt.AddrPort(client) + ": " + msg }

// Every check passes a server that has no defect, and fails one that breaks its
// rule.
func TestWrong(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a server cannot be told to stop by a signal here")
	}
	for _, suite := range suites {
		for _, check := range suite.checks {
			if suite.defects[check.Name] == "" {
				t.Errorf("%s: no defect is known that this check finds", check.Name)
			}
		}
		for name, defects := range suite.defects {
			check := conform.Named(slices.Concat(suite.checks, conform.Checks), name)[0]
			for _, defect := range append(strings.Split(defects, ", "), "") {
				t.Run(fmt.Sprint(name, "/", defect, "/", suite.kind), func(t *testing.T) {
					t.Parallel()
					err := check.Run(server(suite.kind, suite.row, defect))
					if errors.Is(err, conform.ErrSkipped) {
						t.Skip(err)
					}
					if (err == nil) != (defect == "") {
						t.Errorf("with the defect %q: %v", defect, err)
					}
					t.Log(err)
				})
			}
		}
	}
}
