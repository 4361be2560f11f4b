package socket

import (
	"sync/atomic"
	"time"

	"fopnp/internal/serve/program"
)

// A Backoff spaces out attempts at something that fails for a reason that will
// pass. An example is accept when the process or the system has run out of
// descriptors: the client stays in the queue, and other conversations will end.
// The zero Backoff is ready for use. Several goroutines may share one.
type Backoff struct {
	pause atomic.Int64 // after the last failure, in ns; 0 after a success
}

// How long to wait after a failure. The pause doubles each time.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = time.Second
)

// Failed notes a failure and returns how long to wait before the next attempt:
// 5 ms, then 10 ms, and so on, up to a second. It reports the first failure in
// a row on stderr: what failed, and why.
func (b *Backoff) Failed(what string, err error) time.Duration {
	last := time.Duration(b.pause.Load())
	pause := min(max(2*last, shortestPause), longestPause)
	if b.pause.Swap(int64(pause)) == 0 {
		program.Complain(what+" (will try again)", err)
	}
	return pause
}

// Wait notes a failure as Failed does, and waits until the next attempt is due
// or the program has to stop.
func (b *Backoff) Wait(what string, err error) {
	select {
	case <-time.After(b.Failed(what, err)):
	case <-program.Stopping().Done():
	}
}

// Tried notes a success (nil) or a failure, for callers that do not wait but
// try again when they next have reason to. It reports failures as Failed does.
func (b *Backoff) Tried(what string, err error) {
	if err != nil {
		b.Failed(what, err)
	} else {
		b.Succeeded()
	}
}

// Succeeded notes a success. The next failure is the first in a new row.
func (b *Backoff) Succeeded() { b.pause.Store(0) }
