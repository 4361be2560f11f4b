// Package selectors waits for many sockets at once, until one of them is ready
// to be read from or written to. It follows Python's module of that name as far
// as the event loops here need it.
//
// Source: https://docs.python.org/3/library/selectors.html
package selectors

import (
	"math"
	"time"
)

// An Event is what to wait for at a socket, or what the socket is ready for. It
// is one of the two constants, both, or neither (0).
type Event uint8

const (
	EventRead  Event = 1 << iota // data, a client, end of file, or an error
	EventWrite                   // room to send, or an error
)

// A Key is a socket that is registered with a Selector.
type Key struct {
	Fd     int   // its descriptor
	Events Event // what the Selector waits for
	Data   any   // what was passed to Register

	gone bool // it was unregistered
	row  int  // where it is in the lists of a pollSelector
}

// A Selector waits for the sockets that are registered with it. Only one
// goroutine may use it.
type Selector interface {
	// Register begins to wait for events at the descriptor fd, which must not
	// be registered yet. The key that it returns carries data.
	Register(fd int, events Event, data any) (*Key, error)

	// Modify changes the events to wait for. Even if they are 0, Select may
	// still report that the connection has broken.
	Modify(key *Key, events Event) error

	// Unregister removes a socket. Call it before you close the socket.
	Unregister(key *Key) error

	// Forget is Unregister for a socket that the caller closes right after.
	// It saves epoll a system call, because the kernel forgets a descriptor
	// that is closed.
	Forget(key *Key)

	// Select waits until a socket is ready, or until timeout has passed. A
	// negative timeout is no limit. Fractions of a millisecond are rounded
	// up. Select may return early: after a signal, or after 24 days.
	Select(timeout time.Duration) error

	// Next returns a key that Select has found, and what it is ready for.
	// Each call returns another key, and after the last one nil. Keys that
	// were unregistered since Select are left out, so a new socket with the
	// same descriptor gets none of the old one's events.
	Next() (*Key, Event)

	// Close frees the selector's resources. The sockets stay open.
	Close() error
}

// ready holds the keys that the last Select has found. Next has already
// returned those before index next.
type ready struct {
	found []found
	next  int
}

type found struct {
	key    *Key
	events Event
}

// begin forgets the keys of the last Select.
func (r *ready) begin() { r.found, r.next = r.found[:0], 0 }

func (r *ready) add(key *Key, events Event) { r.found = append(r.found, found{key, events}) }

func (r *ready) Next() (*Key, Event) {
	for r.next < len(r.found) {
		f := r.found[r.next]
		r.next++
		if !f.key.gone {
			return f.key, f.events
		}
	}
	return nil, 0
}

// milliseconds returns a timeout as the system calls want it: a C int, which is
// 24 days at most. It rounds up, because a loop that wakes too early for its
// timer has to wait once more.
func milliseconds(timeout time.Duration) int {
	if timeout < 0 {
		return -1
	}
	return int(min((timeout+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
}
