package live

import (
	"io"
	"os"
	"sync"
	"time"
)

// A tap is a terminal with two users: the reader of the book, who sees all its
// output, and a [transcript.Session], which reads the output when a block runs.
type tap struct {
	tty  *os.File           // our end
	show func([]byte) error // to the reader; it may wait, and then so do the programs

	mu       sync.Mutex
	unread   []byte        // by the session
	ended    bool          // there will be no more
	changed  chan struct{} // closed when unread or ended changes
	deadline time.Time     // of the session's reads

	typing sync.Mutex
}

// kept is how much a tap keeps for the session, which reads it at once if a block
// runs. If none does, it needs only the last prompt.
const kept = 1 << 18

// newTap returns a tap that shows nothing until pump is called.
func newTap(tty *os.File, show func([]byte) error) *tap {
	return &tap{tty: tty, show: show, changed: make(chan struct{})}
}

// pump shows what programs write to the terminal, until they have all closed it.
func (t *tap) pump() {
	buffer := make([]byte, 1<<14)
	for {
		n, err := t.tty.Read(buffer)
		if n > 0 && err == nil {
			err = t.show(buffer[:n])
		}
		t.mu.Lock()
		t.unread = append(t.unread, buffer[:n]...)
		if tooMany := len(t.unread) - kept; tooMany > 0 {
			t.unread = t.unread[:copy(t.unread, t.unread[tooMany:])]
		}
		t.ended = err != nil
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Read reads for the session. See [transcript.Terminal].
func (t *tap) Read(b []byte) (int, error) {
	for {
		t.mu.Lock()
		n := copy(b, t.unread)
		t.unread = t.unread[:copy(t.unread, t.unread[n:])]
		ended, changed, left := t.ended, t.changed, time.Until(t.deadline)
		t.mu.Unlock()
		switch {
		case n > 0:
			return n, nil
		case ended:
			return 0, io.EOF
		case left <= 0:
			return 0, os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left)
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// SetReadDeadline limits the reads that follow.
func (t *tap) SetReadDeadline(deadline time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deadline = deadline
	return nil
}

// Write types at the terminal. If the programs do not read, the terminal buffers
// some keys. After a second, Write drops the rest.
func (t *tap) Write(keys []byte) (int, error) {
	t.typing.Lock()
	defer t.typing.Unlock()
	t.tty.SetWriteDeadline(time.Now().Add(time.Second))
	return t.tty.Write(keys)
}

// SetWriteDeadline does nothing: see Write.
func (t *tap) SetWriteDeadline(time.Time) error { return nil }

// Close closes our end.
func (t *tap) Close() error { return t.tty.Close() }
