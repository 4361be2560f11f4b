// Package selectors waits until one of many sockets is ready to be read from
// or written to: Python's module of that name, as far as the event loops of
// this repository need it.
//
// Source: https://docs.python.org/3/library/selectors.html
package selectors

import (
	"math"
	"time"
)

// An Event is what a socket is waited for, or is ready for: a set of the two
// constants.
type Event uint8

const (
	EventRead  Event = 1 << iota // data, a client or the end of file has come; or an error
	EventWrite                   // there is room to send; or an error
)

// A Key is a socket that a Selector waits for.
type Key struct {
	Fd     int
	Events Event // what it is waited for; may be nothing
	Data   any   // whatever its owner wants to find again

	gone bool // it was unregistered
	row  int  // where a poll keeps it
}

// A Selector waits for the sockets that are registered with it. It belongs to
// one goroutine.
type Selector interface {
	// Register begins to wait for events on a descriptor, which must not be
	// registered yet.
	Register(fd int, events Event, data any) (*Key, error)

	// Modify changes what is waited for. With no events, nothing is, except
	// that Select may still report that the connection has broken.
	Modify(key *Key, events Event) error

	// Unregister forgets a socket. It must come before the socket is closed.
	Unregister(key *Key) error

	// Forget is Unregister for a socket that the caller closes right away.
	// It saves epoll a system call, because the kernel forgets a descriptor
	// that is closed.
	Forget(key *Key)

	// Select waits until a socket is ready, or for the time of timeout if it
	// is not negative. A signal may end the wait early, and 24 days do.
	Select(timeout time.Duration) error

	// Next returns one after the other the keys that Select has found, each
	// with what it is ready for, then nil. A key that is unregistered
	// meanwhile, by whoever handles another, is left out: even if its number
	// has been given to a new socket, that one gets none of its events.
	Next() (*Key, Event)

	// Close gives the selector's resources back.
	Close() error
}

// ready are the keys that the last Select has found: those before next have
// been returned.
type ready struct {
	found []found
	next  int
}

type found struct {
	key    *Key
	events Event
}

// begin makes room for what the next Select finds.
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

// milliseconds is a timeout as the system calls want it, rounded up, lest a
// timer find that it was woken too early and go round once more for nothing. It
// is a C int: 24 days at most.
func milliseconds(timeout time.Duration) int {
	if timeout < 0 {
		return -1
	}
	return int(min((timeout+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
}
