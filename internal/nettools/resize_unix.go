//go:build unix

package nettools

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// notifyResize sends to resized when the window's size changes.
func notifyResize(resized chan<- os.Signal) { signal.Notify(resized, unix.SIGWINCH) }
