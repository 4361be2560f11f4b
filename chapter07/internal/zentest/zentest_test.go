package zentest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// isServer and itsPlaces are environment variables. With them, the test binary
// is the wrong server, with a defect and a number of places.
const isServer, itsPlaces = "ZENTEST_DEFECT", "ZENTEST_PLACES"

func TestMain(m *testing.M) {
	netns.Main()
	if defect, is := os.LookupEnv(isServer); is {
		places, _ := strconv.Atoi(os.Getenv(itsPlaces))
		os.Exit(serveWrong(defect, places, os.Args[1:]))
	}
	progtest.Parallel()
	os.Exit(m.Run())
}

// server returns the row of a server with a defect, or with none.
func server(defect string, atOnce int) conform.Server {
	s := likeSingle("wrong", atOnce)
	s.Command = func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), isServer+"="+defect, fmt.Sprint(itsPlaces, "=", atOnce))
		return cmd
	}
	return s
}

// A server without a defect passes every check, however many clients it serves
// at once.
func TestCorrect(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []int{0, 1, 4} {
		t.Run(fmt.Sprint(atOnce), func(t *testing.T) {
			t.Parallel()
			Run(t, server("", atOnce))
		})
	}
}

// The checks that fill the kernel's buffers do so however large the buffers
// are: here the buffers begin at 8 MiB.
func TestLargeBuffers(t *testing.T) {
	t.Parallel()
	if err := netns.Supported(); err != nil {
		t.Skip(err)
	}
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	cmd := exec.Command("sh", "-ec", `
		for direction in wmem rmem; do
			echo 4096 8388608 33554432 >/proc/sys/net/ipv4/tcp_$direction
		done
		exec "$@"`,
		"sh", os.Args[0], "-test.v", "-test.run=^TestCorrect$/^1$/^(shared|stop)$/^(slow_reader|never_reads|unread_input)$")
	cmd.Stdout, cmd.Stderr = output, output
	network, err := netns.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer network.Close()
	err = network.Wait()
	text, _ := os.ReadFile(output.Name())
	for _, name := range []string{"shared/slow_reader", "shared/slow_reader/half-close", "shared/unread_input", "stop/never_reads", "stop/unread_input"} {
		if !strings.Contains(string(text), "--- PASS: TestCorrect/1/"+name+" ") {
			t.Errorf("%s has not passed", name)
		}
	}
	if t.Failed() {
		t.Logf("%v:\n%s", err, text)
	}
}

// defects names, for each check, the defects that break its rule. If there are
// several, each alone breaks it.
var defects = map[string]string{
	"announcement":                 "plain address",
	"announcement/name":            "shows the address",
	"every interface":              "one interface",
	"answers":                      "unknown is silent",
	"pipelined/2":                  "one question a segment",
	"pipelined/16":                 "one question a segment",
	"split":                        "segments are questions",
	"split with the next":          "rest is lost",
	"blanks":                       "blanks count",
	"many blanks":                  "many blanks count",
	"only blanks":                  "blanks count",
	"nothing":                      "ends are silent",
	"pipelined":                    "one question a segment",
	"half-close":                   "half-close loses",
	"longest question":             "most is 4095",
	"half a request":               "faults are silent",
	"half a request/half-close":    "rest is lost",
	"half a request/after blanks":  "blanks count",
	"reset":                        "reset is an end",
	"reset/half a request":         "half not named",
	"reset/unanswered":             "half of the unanswered not named, unsent not named",
	"garbage":                      "fault exits",
	"too long":                     "fault in two lines, most is 8192",
	"too long/after requests":      "too long loses answers",
	"too long/with its end":        "most is for halves",
	"endless":                      "no most, reads on for ever",
	"silence":                      "a tenth of the time",
	"silence/half a request":       "half not named",
	"silence/between requests":     "silence is an end",
	"silence/next client":          "silence is an end",
	"costly answers":               "counts its own time",
	"silence/without end":          "0 is at once",
	"a byte at a time":             "bytes renew the time",
	"keeps asking":                 "one time for all",
	"never reads":                  "sends for ever, unsent not named",
	"unread input":                 "closes with input unread, reads on for ever",
	"stop/unread input":            "closes with input unread",
	"slow reader":                  "short writes",
	"slow reader/half-close":       "short writes",
	"one after another":            "serves ten",
	"at once":                      "one at a time",
	"churn":                        "lines mix, never forgets",
	"stop/SIGTERM":                 "status after stop",
	"stop/SIGINT":                  "dies of SIGINT",
	"stop/half a request":          "half not named",
	"stop/never reads":             "complains at a stop, stops late",
	"stop/no client":               "ready too late",
	"wrong call/no host":           "wrong call has status 1",
	"wrong call/two hosts":         "wrong call has status 1",
	"wrong call/unknown option":    "wrong call has status 1",
	"wrong call/port is no number": "wrong call has status 1",
	"wrong call/port too high":     "wrong call has status 1",
	"wrong call/port is missing":   "wrong call has status 1",
	"wrong call/negative timeout":  "wrong call has status 1",
	"wrong call/no duration":       "wrong call has status 1",
	"help":                         "help on stderr",
	"options before the host":      "options last",
	"options after the host":       "options first",
	"port in use":                  "stack trace",
	"unresolvable host":            "wrong name resolved",
	"one write":                    "many writes",
	"out of descriptors":           "spins, says it always, says it once",
	"stop/during an answer":        "stops at once",
	"stop/during answers":          "stop loses answers",
	"stop/long answer":             "does not hurry",
	"stop/second signal":           "second signal ignored",
	"port not permitted":           "stack trace",
	"quiet":                        "announces nothing, any port",
	"descriptors are closed":       "left to the collector",
}

// Every check fails a server that breaks its rule.
func TestWrong(t *testing.T) {
	t.Parallel()
	for _, check := range Checks {
		if defects[check.Name] == "" {
			t.Errorf("%s has no defect in defects, so nothing proves that it can fail", check.Name)
		}
		wrongs := strings.Split(defects[check.Name], ", ")
		if check.Name == "churn" && progtest.All() {
			wrongs = append(wrongs, "never forgets a little")
		}
		for _, defect := range wrongs {
			t.Run(check.Name+"/"+defect, func(t *testing.T) {
				if progtest.Race && unforgotten[defect] > 0 {
					t.Skip("the race detector needs more memory with every conversation")
				}
				t.Parallel()
				s := server(defect, 0)
				s.Patience = 2 * time.Second
				err := check.Run(s)
				if errors.Is(err, conform.ErrSkipped) {
					t.Skip(err)
				}
				if err == nil {
					t.Errorf("the defect %q was not found", defect)
				}
				t.Log(err)
			})
		}
	}
}
