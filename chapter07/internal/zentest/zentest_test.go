package zentest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// With this in its environment the test binary is the wrong server: a defect.
const isServer, itsPlaces = "ZENTEST_DEFECT", "ZENTEST_PLACES"

func TestMain(m *testing.M) {
	if defect, is := os.LookupEnv(isServer); is {
		places, _ := strconv.Atoi(os.Getenv(itsPlaces))
		os.Exit(serveWrong(defect, places, os.Args[1:]))
	}
	progtest.Parallel()
	os.Exit(m.Run())
}

// server is the row of a server with a defect, or none.
func server(defect string, atOnce int) Server {
	s := likeSingle("wrong", atOnce)
	s.Command = func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), isServer+"="+defect, fmt.Sprint(itsPlaces, "=", atOnce))
		return cmd
	}
	return s
}

// Without a defect every check passes, however many are served at once.
func TestCorrect(t *testing.T) {
	for _, atOnce := range []int{0, 1, 4} {
		t.Run(fmt.Sprint(atOnce), func(t *testing.T) { Run(t, server("", atOnce)) })
	}
}

// defects name, for each check, what breaks the rule that it proves: each of
// them alone, if there are several.
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
	"half-close":                   "half-close loses",
	"longest question":             "most is 4095",
	"half a question":              "faults are silent",
	"half a question/half-close":   "rest is lost",
	"half a question/after blanks": "blanks count",
	"reset":                        "reset is an end",
	"reset/half a question":        "half not named",
	"garbage":                      "fault exits",
	"too long":                     "fault in two lines, most is 8192",
	"too long/after questions":     "too long loses answers",
	"too long/with its end":        "most is for halves",
	"endless":                      "no most",
	"silence":                      "a tenth of the time",
	"silence/half a question":      "half not named",
	"silence/between questions":    "silence is an end",
	"silence/next client":          "silence is an end",
	"costly answers":               "counts its own time",
	"silence/without end":          "0 is at once",
	"a byte at a time":             "bytes renew the time",
	"keeps asking":                 "one time for all",
	"never reads":                  "sends for ever, unsent not named",
	"slow reader":                  "short writes",
	"slow reader/half-close":       "short writes",
	"one after another":            "serves ten",
	"at once":                      "one at a time",
	"churn":                        "lines mix",
	"stop/SIGTERM":                 "status after stop",
	"stop/SIGINT":                  "dies of SIGINT",
	"stop/half a question":         "half not named",
	"stop/never reads":             "complains at a stop",
	"stop/nobody":                  "ready too late",
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
	"one write/long segment":       "many writes",
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
	for _, check := range Checks {
		if defects[check.Name] == "" {
			t.Errorf("%s: no defect is known that this check finds", check.Name)
		}
		for _, defect := range strings.Split(defects[check.Name], ", ") {
			t.Run(check.Name+"/"+defect, func(t *testing.T) {
				t.Parallel()
				s := server(defect, 0)
				s.patience = 2 * time.Second
				err := check.Run(s)
				if errors.Is(err, errSkipped) {
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
