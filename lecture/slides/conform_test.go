package slides_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

// upperCase is the protocol of the upper-case servers: an empty line ends a
// session.
var upperCase = conform.Protocol{
	Exchange:   conform.Exchange{Ask: "hello\r\n", Hear: conform.Answer("HELLO\r\n")},
	Unfinished: "half a",
	Goodbye:    "\r\n",
	Flood: conform.Exchange{
		Ask:  strings.Repeat("hello", 800) + "\r\n",
		Hear: conform.Answer(strings.Repeat("HELLO", 800) + "\r\n"),
	},
}

// upperCaseServer returns the row of an upper-case server.
func upperCaseServer(name string, atOnce int) conform.Server {
	return conform.Server{
		Name:   name,
		AtOnce: atOnce,
		Lines: conform.Lines{
			Accepted: "Connected: ADDR",
			Half:     name + ": client ADDR: received BYTES then socket closed",
			Error:    name + ": client ADDR: WHY",
			Others:   []string{"(hello)+"},
		},
		Protocol: upperCase,
		Quiet:    true,
	}
}

var servers = []conform.Server{
	upperCaseServer("tcpserv1", 1),
	upperCaseServer("tcps1", 1),
	upperCaseServer("SockServTCP", 1),
	upperCaseServer("SockServTCPThread", 0),
	upperCaseServer("SockServTCPFork", 40),
	{
		Name:   "tsTservSS",
		AtOnce: 1,
		Lines: conform.Lines{
			Accepted: "...connected from: ADDR",
			Half:     "tsTservSS: request from ADDR: received BYTES then socket closed",
			Error:    "tsTservSS: request from ADDR: WHY",
			Others:   []string{`waiting for connection\.\.\.`},
		},
		Protocol: conform.Protocol{
			Exchange:   conform.Exchange{Ask: "hello\r\n", Hear: stamped},
			Unfinished: "half a",
			Once:       true,
		},
		Quiet: true,
	},
	{
		Name:   "timeserv",
		AtOnce: 1,
		Lines: conform.Lines{
			Accepted: "Got a connection from  ADDR",
			Error:    "timeserv: client ADDR: WHY",
		},
		Protocol: conform.Protocol{
			Exchange: conform.Exchange{Hear: isTime},
			Once:     true,
			Longest:  -1,
		},
		Quiet: true,
	},
}

// stamped receives the time in brackets, and the line.
func stamped(c *conform.Client) {
	c.Expect("[")
	isTime(c)
	c.Expect("] hello\r\n")
}

// isTime receives the time in the layout of ctime, where a one-digit day is
// padded with a blank.
func isTime(c *conform.Client) {
	stamp := make([]byte, len(time.ANSIC))
	if _, err := c.Receive(stamp); err != nil {
		c.Fail(err)
	} else if now, err := time.Parse(time.ANSIC, string(stamp)); err != nil {
		c.Fail(err)
	} else if want := now.Format(time.ANSIC); string(stamp) != want {
		c.Failf("%q, want %q", stamp, want)
	}
}

// On the fifth of a month, the day is padded with a blank. It is the fifth in
// the time zone of these servers.
func TestFifth(t *testing.T) {
	t.Parallel()
	fifth := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC)
	for name, begin := range map[string]string{"timeserv": "Mon Jan  5 12:", "tsTservSS": "[Mon Jan  5 12:"} {
		server := progtest.StartInZone(t, time.Until(fifth), name)
		client := progtest.Dial(t, server)
		if name == "tsTservSS" { // timeserv is not asked, and may be gone
			io.WriteString(client, "hello\r\n")
		}
		stamp := make([]byte, len(begin))
		if _, err := io.ReadFull(client, stamp); err != nil || string(stamp) != begin {
			t.Errorf("%s says %q (%v), want %q", name, stamp, err, begin)
		}
	}
}

// Each TCP server keeps the rules for all servers.
func TestServers(t *testing.T) {
	t.Parallel()
	checks := slices.Clone(conform.Checks)
	if !progtest.All() { // SockServTCPFork takes seconds to start that many children
		checks = slices.DeleteFunc(checks, func(c conform.Check) bool { return c.Name == "churn" })
	}
	for _, server := range servers {
		t.Run(server.Name, func(t *testing.T) {
			t.Parallel()
			if server.Ask == "" {
				conform.Run(t, server, slices.Concat(checks, conform.Unasked))
			} else {
				conform.Run(t, server, checks)
			}
		})
	}
}
