package child

import (
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"
)

// An output is what a program prints. Read returns all of it so far, and a
// channel that is closed when it is time to read again.
type output interface {
	read() (text string, changed <-chan struct{})
}

// A goroutine writes to a collected output, and each write wakes those who
// wait.
type collected struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{} // closed, and made anew, at every write
}

func newCollected() *collected { return &collected{changed: make(chan struct{})} }

func (c *collected) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
	return c.text.Write(p)
}

func (c *collected) read() (string, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String(), c.changed
}

// A file is an output to which the program itself writes.
type file struct{ *os.File }

func (f file) read() (string, <-chan struct{}) {
	text, _ := io.ReadAll(io.NewSectionReader(f, 0, math.MaxInt64))
	changed := make(chan struct{})
	time.AfterFunc(time.Millisecond, func() { close(changed) })
	return string(text), changed
}
