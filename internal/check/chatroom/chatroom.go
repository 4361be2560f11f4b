// Package chatroom is the conformance suite of chat servers: all other clients
// hear what a client says, in the same order.
//
// The suite of a chat states how its server is started and which lines it
// prints (conform.Server), and what goes over the wire (Protocol). Checks
// returns the checks.
package chatroom

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"fopnp/internal/check/conform"
)

// A Protocol is what goes over the wire in a chat. A message is text and an end
// mark.
type Protocol struct {
	End byte // the end mark of everything that goes over the wire

	// Heard returns what a client hears, with its end mark, when the client
	// with the given address has said text.
	Heard func(author netip.AddrPort, text string) string

	// Joined and Left return what all other clients hear when a client comes
	// or leaves. If they are nil, the others hear nothing.
	Joined, Left func(client netip.AddrPort) string

	// Echo is true if the author hears its own message.
	Echo bool

	// Odd are texts that look dangerous. They arrive as they were sent.
	Odd []string

	// Refused are texts that no client may say. The server reports such a text,
	// names the bytes that follow it, and hangs up.
	Refused []string
}

// Bounds that hold for all chats.
const (
	longest   = 4096      // bytes of a text
	mayWait   = 256 << 10 // so many bytes may wait for a client
	mostWaits = 1 << 20   // but no more than that
)

// Server completes the row of a chat server, whose Name and Lines are set.
func Server(s conform.Server, p Protocol) conform.Server {
	s.Protocol = conform.Protocol{
		Exchange:   conform.Exchange{Hear: (*conform.Client).AwaitAccepted},
		Unfinished: "half a",
	}
	return s
}

// Run puts a chat server through all checks.
func Run(t *testing.T, s conform.Server, p Protocol) {
	conform.Run(t, Server(s, p), Checks(p))
}

// Checks returns the checks for chats with a protocol.
func Checks(p Protocol) []conform.Check {
	var all []conform.Check
	these := slices.Concat(checks, kernelChecks)
	if len(p.Refused) > 0 {
		these = append(these, check{name: "refused messages", run: refused})
	}
	for _, c := range these {
		check := conform.Alone(c.name, p.in(c.run), c.args...)
		if c.name == "silence" {
			check = check.Tries(3) // on a busy machine, a client may be late
		}
		all = append(all, check)
	}
	for _, c := range repeated {
		all = append(all, conform.Alone(c.name, p.in(c.run), c.args...).Tries(3))
	}
	all = append(all, conform.AloneAt("", "every interface", p.in(everyInterface)))
	for _, c := range conform.Named(conform.Checks, "announcement", "nothing") {
		// Each gets a server of its own. If a client closes its connection when
		// it has not read yet that another has left, the kernel sends a reset.
		all = append(all, conform.Check{Name: c.Name, Run: c.Run})
	}
	return append(all, conform.Named(conform.Checks, append(kernelNames, "announcement/name",
		"stop/no client", "wrong call/", "help", "options before the host",
		"options after the host", "port in use", "unresolvable host")...)...)
}

// A check is a conform.Check that plays clients in a room.
type check struct {
	name string
	run  func(*room)
	args []string // more options for the server
}

// in returns the function that runs a check.
func (p Protocol) in(run func(*room)) func(*conform.Trial) {
	return func(t *conform.Trial) { run(&room{Trial: t, Protocol: p}) }
}

// A room is a server and its clients, who hear everything.
type room struct {
	*conform.Trial
	Protocol
	members []*member
}

// A member is a client in a room.
type member struct {
	*conform.Client
	toHear strings.Builder // what it has to hear and the check has not received yet
	sent   int             // bytes that the server has had to send to it
}

// said returns a text as its author sends it.
func (p Protocol) said(text string) string { return text + string(p.End) }

// join connects a client, which becomes a member.
func (r *room) join() *member { return r.enter(r.Connect()) }

// enter makes a client a member once the server has accepted it. The others
// have to hear that.
func (r *room) enter(c *conform.Client) *member {
	c.AwaitAccepted()
	m := &member{Client: c}
	if r.Joined != nil {
		r.happens(nil, r.Joined(c.Addr()))
	}
	r.members = append(r.members, m)
	return m
}

// joinAll connects n members, one after another.
func (r *room) joinAll(n int) []*member {
	var all []*member
	for range n {
		all = append(all, r.join())
	}
	return all
}

// happens notes what all members but one have to hear.
func (r *room) happens(except *member, heard string) {
	for _, m := range r.members {
		if m != except {
			m.toHear.WriteString(heard)
			m.sent += len(heard)
		}
	}
}

// author returns the member that does not hear what m says: m, unless authors
// hear themselves.
func (r *room) author(m *member) *member {
	if r.Echo {
		return nil
	}
	return m
}

// hasSaid notes that all have to hear what m has said.
func (r *room) hasSaid(m *member, texts ...string) {
	for _, text := range texts {
		r.happens(r.author(m), r.Heard(m.Addr(), text))
	}
}

// hear checks that all members but some receive what they have to hear, and
// nothing else before it.
func (r *room) hear(except ...*member) {
	for _, m := range r.members {
		if !slices.Contains(except, m) {
			m.Expect(m.toHear.String())
			m.toHear.Reset()
		}
	}
}

// say makes a member say texts in one segment, and checks that all hear them.
func (r *room) say(m *member, texts ...string) {
	said := ""
	for _, text := range texts {
		said += r.said(text)
	}
	m.Send(said)
	r.hasSaid(m, texts...)
	r.hear()
}

// remove takes a member off the list, because it hears no more.
func (r *room) remove(m *member) {
	r.members = slices.DeleteFunc(r.members, func(other *member) bool { return other == m })
}

// hasLeft notes that m says no more, which the others have to hear.
func (r *room) hasLeft(m *member) {
	if r.Left != nil {
		r.happens(m, r.Left(m.Addr()))
	}
}

// leave makes a member leave, and checks that all others hear that.
func (r *room) leave(m *member) {
	m.Close()
	r.remove(m)
	r.hasLeft(m)
	r.hear()
	m.ExpectEnding(m.Closed)
}

// isOut checks that the server throws out a member that has committed a fault:
// it reports that with the given line, and the others hear that the member has
// left. What the member had to hear comes before the end. isOut returns what the
// server printed.
func (r *room) isOut(m *member, line string, values ...string) string {
	m.Expect(m.toHear.String())
	m.ExpectEnd()
	printed := m.ExpectEnding(line, values...)
	r.remove(m)
	r.hasLeft(m)
	r.hear()
	m.Close()
	return printed
}

// text returns the n-th of many different texts.
func text(n int) string { return fmt.Sprintf("message %d", n) }
