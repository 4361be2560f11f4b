// Package progress shows how far a transfer has come, on one line of the
// terminal that is written over and over.
package progress

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"fopnp/internal/serve/program"
)

// A Counter counts bytes. The zero Counter has counted none, and shows nothing
// until Show is called.
type Counter struct {
	n    atomic.Int64
	stop chan struct{}
	over chan struct{}
}

// Add counts n more bytes. Any goroutine may call it.
func (c *Counter) Add(n int) { c.n.Add(int64(n)) }

// Bytes returns how many bytes were counted.
func (c *Counter) Bytes() int64 { return c.n.Load() }

// Show begins to show the count, as in "\r  1024 bytes sent ", until End is
// called. To write the count after every piece would cost as much as to send
// the piece, so Show writes it ten times a second, if it has changed. When
// nothing moves any more, what it shows is exact.
func (c *Counter) Show(what string) { c.showOn(stdout{}, what) }

// stdout is standard output, where lines of other programs do not mix with ours.
type stdout struct{}

func (stdout) Write(data []byte) (int, error) {
	program.Printf("%s", data)
	return len(data), nil
}

func (c *Counter) showOn(w io.Writer, what string) {
	c.stop, c.over = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(c.over)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for shown, ended := int64(0), false; !ended; {
			select {
			case <-tick.C:
			case <-c.stop:
				ended = true
			}
			if n := c.Bytes(); n != shown {
				fmt.Fprintf(w, "\r  %d %s ", n, what)
				shown = n
			}
		}
		fmt.Fprintln(w)
	}()
}

// End shows the last count and ends the line.
func (c *Counter) End() {
	close(c.stop)
	<-c.over
}
