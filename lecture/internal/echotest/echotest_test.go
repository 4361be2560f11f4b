package echotest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

// With these in its environment the test binary is the wrong server: a defect,
// and whether it serves one client.
const isServer, servesOne = "ECHOTEST_DEFECT", "ECHOTEST_SERVES_ONE"

func TestMain(m *testing.M) {
	if defect, is := os.LookupEnv(isServer); is {
		os.Exit(serveWrong(defect, os.Getenv(servesOne) == "true", os.Args[1:]))
	}
	progtest.Parallel()
	os.Exit(m.Run())
}

// server returns a row for the wrong server with a defect, or with none.
func server(row conform.Server, defect string) conform.Server {
	row.Command = func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), isServer+"="+defect, fmt.Sprint(servesOne, "=", row.ServesOne))
		return cmd
	}
	if defect != "" {
		row.Patience = 3 * time.Second
	}
	return row
}

// suites name, for each check, what breaks the rule that it proves. If a check
// has several defects, each alone breaks it. Besides the checks of this
// package, there are some of package conform that see more of these servers
// than of others.
var suites = []struct {
	row     conform.Server
	checks  []conform.Check
	defects map[string]string
}{
	{oneRecvServer("wrong"), oneRecvChecks, map[string]string{
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
	{oneClientServer("wrong"), oneClientChecks, map[string]string{
		"every byte":   "decodes, strips",
		"byte by byte": "one recv",
		"a megabyte":   "one recv",
		"queue":        "many at once, serves the next",
		"announcement": "serves the next, status of a fault",
		"nothing":      "serves the next, status of a fault",
		"reset":        "fault has status 0, faults are silent",
		"silence":      "fault has status 0, faults are silent",
	}},
}

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
				t.Run(fmt.Sprint(name, "/", defect, "/", suite.row.ServesOne), func(t *testing.T) {
					t.Parallel()
					err := check.Run(server(suite.row, defect))
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
