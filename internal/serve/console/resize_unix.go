//go:build unix

package console

import (
	"os"
	"os/signal"
	"syscall"
)

// whenResized tells the editor when the terminal changes its size.
func (c *Console) whenResized() {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	go func() {
		for range resized {
			c.fit()
		}
	}()
}
