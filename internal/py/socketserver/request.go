package socketserver

import (
	"context"
	"net"
	"sync"
	"time"

	"fopnp/internal/serve/program"
)

// A Request is a client who was accepted, or a datagram that came: Conn is a
// connection, or a *Datagram. It goes from hand to hand as a pointer, for a
// goroutine has 2 KiB of stack, and keeps 4 if it once needs more: with 10,000
// silent clients that is most of what they cost.
type Request struct {
	net.Conn
	ClientAddress net.Addr

	next, previous *Request // in open
}

// Close closes the connection.
func (r *Request) Close() error {
	open.remove(r)
	return r.Conn.Close()
}

// open are all requests that are being handled. They are a linked list because
// that is the least that one can cost.
var open requests

type requests struct {
	watch sync.Once
	mu    sync.Mutex
	first *Request
}

func (l *requests) add(r *Request) {
	l.watch.Do(func() { context.AfterFunc(program.Stopping(), l.stop) })
	l.mu.Lock()
	defer l.mu.Unlock()
	r.next = l.first
	if r.next != nil {
		r.next.previous = r
	}
	l.first = r
}

// remove takes r out of the list, if it is there.
func (l *requests) remove(r *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.previous != nil {
		r.previous.next = r.next
	} else if l.first == r {
		l.first = r.next
	}
	if r.next != nil {
		r.next.previous = r.previous
	}
	r.next, r.previous = nil, nil
}

// stop has every handler end, until the program does: one that waits for its
// client at once; one that still sends when the program's time is over, or is
// only then done with an answer, a moment later. It goes on saying so, for a
// handler may set deadlines of its own, and a request may have come meanwhile.
func (l *requests) stop() {
	var end time.Time // of sending
	for ; ; <-time.After(20 * time.Millisecond) {
		if end.IsZero() && program.Hurrying().Err() != nil {
			end = time.Now().Add(200 * time.Millisecond)
		}
		l.setDeadlines(end)
	}
}

func (l *requests) setDeadlines(end time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := l.first; r != nil; r = r.next {
		r.SetReadDeadline(past)
		if !end.IsZero() {
			r.SetWriteDeadline(end)
		}
	}
}
