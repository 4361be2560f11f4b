package socket

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"fopnp/internal/serve/program"
)

// conversations holds all open conversations and their clock. One goroutine
// looks at the clock for all of them, because setting a deadline for every
// message adds up to a tenth to the cost of a question. The list is linked
// through its members because that needs almost no stack. A goroutine that has
// once needed more than 2 KiB of stack keeps 4 KiB, which is most of what a
// silent client costs.
var conversations registry

type registry struct {
	now   atomic.Int64 // ns since the clock began, at least 1; 0 until then
	hooks sync.Once

	mu       sync.Mutex
	first    *Conversation
	ticker   *time.Ticker
	interval time.Duration
}

func (r *registry) add(c *Conversation) {
	r.hooks.Do(func() {
		context.AfterFunc(program.Stopping(), r.stop)
		context.AfterFunc(program.Hurrying(), r.stop)
	})
	r.mu.Lock()
	r.tickFor(c.timeout)
	c.next = r.first
	if c.next != nil {
		c.next.previous = c
	}
	r.first = c
	r.mu.Unlock()
	c.stop() // the signal may have come before
}

// NumConversations returns how many conversations are open.
func NumConversations() (n int) {
	conversations.mu.Lock()
	defer conversations.mu.Unlock()
	for c := conversations.first; c != nil; c = c.next {
		n++
	}
	return n
}

// remove takes c out of the list and reports whether it was there.
func (r *registry) remove(c *Conversation) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case c.previous != nil:
		c.previous.next = c.next
	case r.first == c:
		r.first = c.next
	default:
		return false
	}
	if c.next != nil {
		c.next.previous = c.previous
	}
	c.next, c.previous = nil, nil
	return true
}

// watch is tickFor for a conversation that is in the list already.
func (r *registry) watch(timeout time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tickFor(timeout)
}

// tickFor starts the clock if timeout needs one, and makes it tick as often as
// the shortest timeout needs. The caller holds mu.
func (r *registry) tickFor(timeout time.Duration) {
	interval := Tick(timeout)
	switch {
	case timeout == 0:
	case r.ticker == nil:
		r.now.Store(1)
		r.interval, r.ticker = interval, time.NewTicker(interval)
		go r.tick(r.ticker.C, time.Now())
	case interval < r.interval:
		r.interval = interval
		r.ticker.Reset(interval)
	}
}

// tick sets the clock and ends calls that wait for a peer that is late.
func (r *registry) tick(ticks <-chan time.Time, start time.Time) {
	for range ticks {
		now := 1 + int64(time.Since(start))
		r.now.Store(now)
		r.mu.Lock()
		for c := r.first; c != nil; c = c.next {
			// Load these before until. In the other order, a peer that has
			// just been given more time could seem late.
			waiting := c.reading.Load() || c.writing.Load()
			// The clock may have been an interval slow when c began to wait.
			if waiting && now > c.until.Load()+int64(r.interval) {
				c.Conn.SetDeadline(past)
			}
		}
		r.mu.Unlock()
	}
}

// past is a deadline that ends a waiting call at once.
var past = time.Unix(1, 0)

func (r *registry) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := r.first; c != nil; c = c.next {
		c.stop()
	}
}
