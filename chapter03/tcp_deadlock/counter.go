package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

// A counter counts what one goroutine does, so that another can show it.
type counter struct {
	atomic.Int64
	ended chan error
}

// count begins to work in a goroutine of its own, which adds to the counter.
func count(work func(*counter) error) *counter {
	c := &counter{ended: make(chan error, 1)}
	go func() { c.ended <- work(c) }()
	return c
}

// show shows the count until the work has ended, ends the line, and returns the
// error of the work.
//
// The original writes the count after every piece. To write it costs as much as
// to send sixteen bytes, so here it is written ten times a second, if it has
// changed, and at the end. On a terminal it is always at the same place; a file
// gets the same bytes. When nothing moves any more, what it shows is exact.
func (c *counter) show(what string) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	shown := int64(0)
	showIfChanged := func() {
		if n := c.Load(); n != shown {
			fmt.Printf("\r  %d %s ", n, what)
			shown = n
		}
	}
	for {
		select {
		case <-tick.C:
			showIfChanged()
		case err := <-c.ended:
			showIfChanged()
			fmt.Println()
			return err
		}
	}
}
