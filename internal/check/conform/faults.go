package conform

import (
	"strings"

	"fopnp/internal/py/pyfmt"
)

// A server reports one client's fault in one line, and the fault affects no
// other client.
var faultChecks = []Check{
	Shared("half a request", Beside(half)),
	Shared("half a request/half-close", Beside(halfHalfClose)),
	Shared("reset", Beside(reset)),
	Shared("reset/half a request", Beside(resetHalf)),
	Shared("too long", Beside(tooLong)),
	Shared("too long/after requests", Beside(tooLongAfterRequests)),
	Shared("endless", Beside(endless)),
}

// A client leaves in the middle of a request.
func half(t *Trial) {
	c := t.Connect()
	c.Send(c.Unfinished)
	c.Close()
	c.expectHalf()
}

// expectHalf waits for the line about a client that left in the middle of a
// request.
func (c *Client) expectHalf() {
	c.ExpectEnding(c.Half, "BYTES", c.unfinished())
}

// unfinished returns the beginning of a request as Python prints it.
func (p Protocol) unfinished() string { return pyfmt.Bytes([]byte(p.Unfinished)) }

// A client half-closes its connection in the middle of a request, and waits for
// the answer to the request before.
func halfHalfClose(t *Trial) {
	c := t.Connect()
	c.Send(c.Ask + c.Unfinished)
	c.CloseWrite()
	c.Hear(c)
	c.ExpectEnd()
	c.expectHalf()
}

// A client crashes between two requests, or before its only one.
func reset(t *Trial) {
	c := t.Connect()
	if !c.Once {
		c.Exchange()
	}
	c.Reset()
	c.ExpectEnding(c.Error)
}

// A client crashes in the middle of a request. The server's line must name the
// part that it received, because nothing may be dropped silently. The answer to
// the request before shows that the server has received that part.
func resetHalf(t *Trial) {
	c := t.Connect()
	c.asks(1, c.Unfinished)
	c.Reset()
	c.ExpectNaming(c.unfinished())
}

// A request that grows too long before its end has come breaks its own
// conversation, and no other.
func tooLong(t *Trial) {
	c := t.Connect()
	c.Send(c.tooLong())
	if c.Refuse != nil {
		c.Refuse(c)
	}
	c.ExpectEnd()
	c.ExpectEnding(c.Error)
}

// The server answers the requests that come before one that is too long.
func tooLongAfterRequests(t *Trial) {
	c := t.Connect()
	c.asks(3, c.tooLong())
	c.ExpectEnd()
	c.ExpectEnding(c.Error)
}

// The server cuts off a client that sends a request without end, and its memory
// stays bounded.
func endless(t *Trial) {
	c := t.Connect()
	c.SendUntilCut(strings.Repeat("x", 1<<20))
	if c.Refuse != nil {
		c.Rest() // as much of the answer as comes before a reset
	} else {
		c.ExpectCut()
	}
	c.ExpectEnding(c.Error)
	t.MemoryBounded()
}
