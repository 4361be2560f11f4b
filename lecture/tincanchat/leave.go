package tincanchat

import (
	"iter"

	"fopnp/internal/serve/program"
	"fopnp/lecture/internal/crowd"
)

// A Leave is how a client leaves a chat. The zero Leave belongs to a client
// that still takes part.
type Leave struct{ crowd.Leave }

// Disconnect handles a client that sends no more because of why. It prints that
// the client disconnected, and otherwise does what a crowd.Leave does.
func (l *Leave) Disconnect(addr string, why error) {
	if l.Leave.Disconnect(addr, why) {
		program.Printf("Client %s disconnected\n", addr)
	}
}

// RecvReady receives once from a client that poll says is ready, and yields the
// messages that have become whole, without their end marks. There can be
// messages and then an error, as with RecvMsgs.
func RecvReady(c *crowd.Client) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for msg, err := range c.Recv(end) {
			var text string
			if err == nil {
				if text, err = decode(msg); err != nil {
					err = nameAfter(err, c.Behind())
				}
			}
			if !yield(text, err) || err != nil {
				return
			}
		}
	}
}
