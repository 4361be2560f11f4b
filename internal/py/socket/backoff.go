package socket

import (
	"sync/atomic"
	"time"

	"fopnp/internal/serve/program"
)

// A Backoff spaces out the attempts at something that fails for a reason that
// will pass, such as accept when the process or the system has run out of
// descriptors: the client is still in the queue, and other conversations will
// end. The zero Backoff has not failed yet. Several
// goroutines may share one.
type Backoff struct {
	pause atomic.Int64 // after the last failure, in nanoseconds; 0 after a success
}

// How long to wait after a failure: twice as long each time.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// Failed returns how long to wait before the next attempt. The first time in a
// row it says on stderr what failed, and why.
func (b *Backoff) Failed(what string, err error) time.Duration {
	last := time.Duration(b.pause.Load())
	pause := min(max(2*last, shortestPause), longestPause)
	if b.pause.Swap(int64(pause)) == 0 {
		program.Complain(what+" (will try again)", err)
	}
	return pause
}

// Wait waits for as long as Failed says, or until the program is asked to stop.
func (b *Backoff) Wait(what string, err error) {
	select {
	case <-time.After(b.Failed(what, err)):
	case <-program.Stopping().Done():
	}
}

// Tried notes how an attempt went, the next of which comes when there is occasion
// for it: if it failed, and the one before did not, a line on stderr says so.
func (b *Backoff) Tried(what string, err error) {
	if err != nil {
		b.Failed(what, err)
	} else {
		b.Succeeded()
	}
}

// Succeeded ends a row of failures.
func (b *Backoff) Succeeded() { b.pause.Store(0) }
