package conform

import (
	"slices"
	"strings"
)

// Unasked are checks of a server that sends something to each client that
// connects, and closes the connection. In its Protocol, Ask is empty and Once is
// true. They take the place of those Checks in which a client does not ask, or
// not yet, and the server waits.
var Unasked = slices.Concat([]Check{
	Shared("unasked/talks", unaskedTalks),
	Shared("unasked/leaves at once", unaskedLeaves),
	Alone("unasked/stays", unaskedStays),
}, unaskedKernelChecks)

// A client that has received everything, and then sends without end, is cut off.
// The check "unread input" has a client that sends too much before that.
func unaskedTalks(t *Trial) {
	c := t.Connect()
	c.Hear(c)
	c.ExpectEnd()
	c.SendUntilCut(strings.Repeat("x", 1<<16))
	t.visit()
}

// Clients that leave before they have received anything, in order or by a
// crash, affect no other client. The server may report those that crash.
func unaskedLeaves(t *Trial) {
	for range 20 {
		t.Connect().Close()
		t.Connect().Reset()
	}
	t.visit()
}

// Clients that stay when they have been served make no other client wait. If the
// server serves one client at a time, a client that stays does not occupy it for
// long.
func unaskedStays(t *Trial) {
	n := 100 // at a second for each, the next client would wait too long
	if t.AtOnce > 0 {
		n = t.AtOnce
	}
	for range n {
		t.Connect()
	}
	t.visit()
}
