package echotest

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/py/pyfmt"
)

// An Echo returns the echo of a message, without its end mark.
type Echo func(client netip.AddrPort, msg string) string

// RunOneMessage puts a server through all checks. The server echoes one
// message, which ends in a NUL byte, to each client, and serves as many clients
// at once as atOnce says: see conform.Server.
func RunOneMessage(t *testing.T, name string, atOnce int, echo Echo) {
	conform.Run(t, oneMessageServer(name, atOnce, echo),
		slices.Concat(conform.Checks, oneMessageChecks(echo)))
}

// oneMessageServer returns the row of a server for RunOneMessage.
func oneMessageServer(name string, atOnce int, echo Echo) conform.Server {
	return conform.Server{
		Name:   name,
		AtOnce: atOnce,
		Lines: conform.Lines{
			Listening: "Listening on ('HOST', PORT)",
			Accepted:  "Connection from ADDR",
			Closed:    "Closed connection to ADDR",
			Half: name +
				": client ADDR: received BYTES then socket closed",
			Error:     name + ": client ADDR: WHY",
			ClosedToo: true,
			Others: []string{
				"Socket error", `\('[\d.:]+', \d+(?:, 0, 0)?\): .*`,
			},
		},
		Protocol: conform.Protocol{
			Exchange: conform.Exchange{
				Ask: "hello\x00",
				Hear: func(c *conform.Client) {
					c.Expect(echo(c.Addr(), "hello") + "\x00")
				},
			},
			Unfinished: "half a",
			Once:       true,
		},
		NotFor: map[string]string{
			"unread input": "it names what came after the message",
		},
	}
}

// oneMessageChecks returns the checks that such a server must pass besides
// conform.Checks.
func oneMessageChecks(echo Echo) []conform.Check {
	m := messages{echo}
	return []conform.Check{
		conform.Shared("messages", m.several),
		conform.Shared("message in pieces", m.inPieces),
		conform.Shared("several messages", m.behind),
		conform.Shared("not UTF-8", m.notUTF8),
		conform.Shared("socket error", m.socketError),
		conform.Shared("too long for a message", m.tooLong),
		conform.Shared("beside a silent client", m.besideSilent),
		// On a busy machine, the half may come after the time of -t.
		conform.Alone("silence in a message", m.silentHalf, "-t", "0.5").Tries(3),
	}
}

type messages struct{ echo Echo }

// isEchoed lets a client hear the echo of msg, and then the end.
func (m messages) isEchoed(c *conform.Client, msg string) {
	c.Expect(m.echo(c.Addr(), msg) + "\x00")
	ends(c)
}

// ends waits until the server closes its side, and closes the client's.
func ends(c *conform.Client) {
	c.ExpectEnd()
	c.Close()
}

// says lets a client send msg, whose echo must come. Nothing else is printed
// about the client.
func (m messages) says(t *conform.Trial, msg string) {
	c := t.Connect()
	c.Send(msg + "\x00")
	m.isEchoed(c, msg)
	c.ExpectEnding(c.Closed)
	prints(c, printed(msg))
}

// printed is the line about a message.
func printed(msg string) string { return "ADDR: " + pyfmt.Bare([]byte(msg)) }

// prints waits until the server has closed the connection to a client. Between
// the lines about the beginning and the end of the connection, the server must
// have printed lines. In these, ADDR stands for the client's address. No other
// client may commit a fault meanwhile.
func prints(c *conform.Client, lines ...string) {
	addr := pyfmt.AddrPort(c.Addr())
	begin := "Connection from " + addr + "\n"
	end := "Closed connection to " + addr + "\n"
	var story []string
	c.Until("the server closes the connection", func() bool {
		output := c.Output()
		i := strings.LastIndex(output, begin)
		if i < 0 {
			return false
		}
		story = nil
		for line := range strings.Lines(output[i+len(begin):]) {
			if line == end {
				return true
			}
			if strings.Contains(line, addr) || line == "Socket error\n" {
				line = strings.TrimSuffix(line, "\n")
				story = append(story, strings.ReplaceAll(line, addr, "ADDR"))
			}
		}
		return false
	})
	if !c.Failed() && !slices.Equal(story, lines) {
		c.Failf("it printed %q, want %q", story, lines)
	}
}

// Any UTF-8 is a message, even none at all. It comes back as it was sent, and
// is printed in one line, escaped.
func (m messages) several(t *conform.Trial) {
	for _, msg := range []string{
		"hello", "", " ", "two\nlines\r", "\x1b[2J", "ü€\U0001f600", "\ufffd",
		"Closed connection to ('127.0.0.1', 1)", "x\nSocket error",
		strings.Repeat("x", 4096),
	} {
		m.says(t, msg)
	}
}

// A message may come in any pieces, and a piece may end in the middle of a
// character.
func (m messages) inPieces(t *conform.Trial) {
	const msg = "Grüß Gott"
	c := t.Connect()
	for _, b := range []byte(msg + "\x00") {
		c.Send(string([]byte{b}))
		waitUntilRead(c)
	}
	m.isEchoed(c, msg)
	c.ExpectEnding(c.Closed)
	prints(c, printed(msg))
}

// The server does not echo bytes after the message, but names them, even if the
// message just fills the room of a recv.
func (m messages) behind(t *conform.Trial) {
	for _, behind := range []string{"two\x00", "half", "\x00", "\xff\x00"} {
		m.names(t, "one", behind)
	}
	for _, length := range []int{399, 511, 1023, 2047, 4095, 4096} {
		m.names(t, strings.Repeat("x", length), "two\x00")
	}
}

// names lets a client send msg and then behind, which the server has to name.
func (m messages) names(t *conform.Trial, msg, behind string) {
	c := t.Connect()
	c.Send(msg + "\x00" + behind)
	m.isEchoed(c, msg)
	fault := c.ExpectEnding(c.Error)
	named := pyfmt.Bytes([]byte(behind))
	if !c.Failed() && !strings.Contains(fault, named) {
		c.Failf("it printed %q, which does not name %s", fault, named)
	}
	fault = strings.ReplaceAll(fault, pyfmt.AddrPort(c.Addr()), "ADDR")
	prints(c, printed(msg), strings.TrimSuffix(fault, "\n"))
}

// Bytes that are not UTF-8 are no message. The server goes on.
func (m messages) notUTF8(t *conform.Trial) {
	for _, msg := range []string{"\xff", "Gr\xfc\xdf Gott", "half \xc3"} {
		c := t.Connect()
		c.Send(msg + "\x00")
		ends(c)
		c.ExpectNaming(pyfmt.Bytes([]byte(msg)))
		m.says(t, "hello")
	}
}

// Without a whole message, the server prints "Socket error". If no byte came,
// it reports no fault.
func (m messages) socketError(t *conform.Trial) {
	nothing := t.Connect()
	nothing.CloseWrite()
	ends(nothing)
	nothing.ExpectEnding(nothing.Closed)
	prints(nothing, "Socket error")

	half := t.Connect()
	half.Send("half")
	half.CloseWrite()
	ends(half)
	half.ExpectEnding(half.Half, "BYTES", "b'half'")
	prints(half, "Socket error",
		half.Name+": client ADDR: received b'half' then socket closed")
}

// A message of one byte too many has no echo, even if its end has come.
func (m messages) tooLong(t *conform.Trial) {
	c := t.Connect()
	c.Send(strings.Repeat("x", 4097) + "\x00")
	ends(c)
	c.ExpectEnding(c.Error)
}

// A server with a thread for each client serves one while another is silent. A
// server with one thread does not: see "at once" in package conform.
func (m messages) besideSilent(t *conform.Trial) {
	silent := t.Connect()
	silent.AwaitAccepted()
	if t.AtOnce == 0 {
		m.says(t, "hello")
	}
	silent.Send("hello\x00")
	m.isEchoed(silent, "hello")
	silent.ExpectEnding(silent.Closed)
}

// A client that is silent in the middle of a message is cut off, and the server
// names what it has received.
func (m messages) silentHalf(t *conform.Trial) {
	c := t.Connect()
	c.Send("half")
	ends(c)
	c.ExpectEnding(c.Error, "WHY", "received b'half' then timed out")
	prints(c, "Socket error",
		c.Name+": client ADDR: received b'half' then timed out")
}
