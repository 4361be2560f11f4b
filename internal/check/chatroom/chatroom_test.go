//go:build unix

package chatroom

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// isServer and itsProtocol are environment variables. They make the test binary
// the wrong server, and their values are its defect and its protocol.
const isServer, itsProtocol = "CHATROOM_DEFECT", "CHATROOM_PROTOCOL"

func TestMain(m *testing.M) {
	if defect, is := os.LookupEnv(isServer); is {
		os.Exit(serveWrong(defect, protocols[os.Getenv(itsProtocol)], os.Args[1:]))
	}
	progtest.Parallel()
	os.Exit(m.Run())
}

// In one protocol, all hear who comes and leaves, and an author does not hear
// itself. In the other, it is the other way round.
var protocols = map[string]Protocol{
	"lines": {
		End:    '\n',
		Heard:  func(author netip.AddrPort, text string) string { return fmt.Sprintf("<%s> %s\n", author, text) },
		Joined: func(client netip.AddrPort) string { return fmt.Sprintf("%s is here\n", client) },
		Left:   func(client netip.AddrPort) string { return fmt.Sprintf("%s has left\n", client) },
		Odd:    []string{" hello ", "\x00", "\xff", "\x1b[2J"},
	},
	"echo": {
		End:     0,
		Heard:   func(author netip.AddrPort, text string) string { return pyfmt.AddrPort(author) + ": " + text + "\x00" },
		Echo:    true,
		Odd:     []string{"two\nlines", "\x1b[2J", "ü", "\u202e"},
		Refused: []string{"\xff"},
	},
}

func addressOf(c *chatter) netip.AddrPort {
	address := c.conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
}

// server returns the row of a server with a defect, or with none.
func server(defect, protocol string) conform.Server {
	lines := conform.Lines{
		Accepted: "Connection from ADDR",
		Half:     "wrong: client ADDR: received BYTES then socket closed",
		Error:    "wrong: client ADDR: WHY",
	}
	if protocols[protocol].Echo {
		lines.Closed, lines.ClosedToo = "Client ADDR disconnected", true
		lines.Others = []string{`\('[\d.:]+', \d+(?:, 0, 0)?\): .*`}
	}
	return Server(conform.Server{
		Name:  "wrong",
		Lines: lines,
		Command: func(args ...string) *exec.Cmd {
			cmd := exec.Command(os.Args[0], args...)
			cmd.Env = append(os.Environ(), isServer+"="+defect, itsProtocol+"="+protocol)
			return cmd
		},
	}, protocols[protocol])
}

// ours reports whether a check is not one of conform.Checks, which have tests
// of their own. The wrong server has no command line to speak of.
func ours(check conform.Check) bool { return defects[check.Name] != "" }

// A server without a defect passes every check.
func TestCorrect(t *testing.T) {
	t.Parallel()
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			for _, check := range Checks(protocol) {
				if ours(check) {
					t.Run(check.Name, func(t *testing.T) {
						t.Parallel()
						err := check.Run(server("", name))
						if errors.Is(err, conform.ErrSkipped) {
							t.Skip(err)
						}
						if err != nil {
							t.Error(err)
						}
					})
				}
			}
		})
	}
}

// defects names, for each check, what breaks the rule that it proves. If a
// check has several defects, each alone breaks it.
var defects = map[string]string{
	"three, and one leaves":        "leaves are silent, names the last",
	"alone":                        "echo",
	"every interface":              "one interface",
	"lines of a client":            "comes twice",
	"slow reader/small messages":   "bound of 500 messages",
	"never reads/the others":       "stalls, stalls a while, waits a little with each",
	"never reads/any more":         "counts only the queue",
	"takes nothing/without end":    "0 is at once",
	"too long/takes nothing":       "reports twice, waits for ever",
	"stop/second signal":           "second signal ignored",
	"joined messages":              "a segment is a message",
	"split message":                "a segment is a message",
	"odd messages":                 "decodes, strips",
	"empty message":                "empty is nothing",
	"longest message":              "most is 4095",
	"refused messages":             "refuses nothing, what is behind not named",
	"too long":                     "most is 8192, faults are silent",
	"too long/after messages":      "too long loses messages",
	"endless":                      "no most",
	"half a message":               "half is said, half not named",
	"reset":                        "reset is an end",
	"reset/half a message":         "half not named",
	"message then hang-up":         "hang-up loses messages",
	"half-close":                   "half-close is an end",
	"half-close/then close":        "leaves twice",
	"order":                        "no order, doubles, loses now and then",
	"crowd":                        "serves fifty",
	"come and go":                  "loses now and then, doubles",
	"many messages":                "never forgets",
	"silence":                      "silence is a fault",
	"silence/without end":          "0 is at once",
	"a byte at a time":             "bytes renew the time",
	"keeps talking":                "one time for all",
	"never reads":                  "no bound, bound of 64 KiB, bound of 2 MiB, stalls",
	"takes nothing":                "waits for ever",
	"stop/SIGTERM":                 "status after stop",
	"stop/SIGINT":                  "dies of SIGINT",
	"stop/half a message":          "half not named",
	"slow reader":                  "bound of 64 KiB, short writes",
	"slow reader/later":            "the clock never stops",
	"slow reader/little by little": "one time for all that waits",
	"idle":                         "spins",
	"one write":                    "a write for each",
	"too long/unread input":        "closes with input unread",
	"out of descriptors":           "spins, says it always",
	"descriptors are closed":       "left to the collector",
	"stop/what is queued":          "stop drops the queue, keeps listening",
	"stop/never reads":             "stops late, faults are silent, a stop is a time-out",
}

// echoDefects are for the protocol in which a line ends every conversation. The
// defects in the map defects are tried only with the other protocol.
var echoDefects = map[string]string{
	"refused messages":       defects["refused messages"],
	"odd messages":           "escapes only ASCII",
	"three, and one leaves":  "two last lines",
	"lines of a client":      "comes late, two last lines",
	"never reads/the others": "stalls a while",
	"half a message":         "no last line, two last lines, last line first",
	"too long":               "last line first",
}

// Every check fails a server that breaks its rule.
func TestWrong(t *testing.T) {
	t.Parallel()
	conforms := map[string]bool{}
	for _, check := range conform.Checks {
		conforms[check.Name] = true
	}
	for _, check := range Checks(protocols["echo"]) {
		if defects[check.Name] == "" && !conforms[check.Name] {
			t.Errorf("%s has no defect in defects, so nothing proves that it can fail", check.Name)
		}
	}
	for _, name := range []string{"lines", "echo"} {
		for _, check := range Checks(protocols[name]) {
			wrongs := defects[check.Name]
			if name == "echo" {
				wrongs = echoDefects[check.Name]
			}
			if !ours(check) || wrongs == "" {
				continue
			}
			for _, defect := range strings.Split(wrongs, ", ") {
				t.Run(check.Name+"/"+defect, func(t *testing.T) {
					if progtest.Race && defect == "never forgets" {
						t.Skip("the race detector needs more memory with every message")
					}
					t.Parallel()
					s := server(defect, name)
					s.Patience = 2 * time.Second
					err := check.Run(s)
					for try := 1; try < 5 && err == nil && defect == "spins"; try++ {
						err = check.Run(s) // it had no CPU time to waste
					}
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
}
