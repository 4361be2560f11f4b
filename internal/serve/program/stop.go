package program

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// A server stops within a second of the first signal, unless the machine
// pauses.
const (
	grace = 12 * tick // to finish answers that are being computed or sent
	rest  = 7 * tick  // then, to close the remaining connections
	tick  = 50 * time.Millisecond
)

// Reasons why a program ends a conversation by itself.
var (
	ErrTimedOut = errors.New("timed out")
	ErrStopped  = errors.New("server stopped")
)

var (
	stopping, stop = context.WithCancel(context.Background())
	hurrying, rush = context.WithCancel(context.Background())
	install        sync.Once
)

// StopOnSignal makes SIGINT and SIGTERM shut the program down gracefully, in
// three steps. At the signal, Stopping is done: the program accepts no more
// clients, and idle conversations close. After 600 ms, Hurrying is done: the
// program cuts short what it is still computing or sending. After another 350
// ms, the program exits with status 0, unless its main function has returned
// earlier. A second signal ends the program at once. The status is then 128
// plus the number of the signal, the status that a shell reports for a program
// killed by a signal.
func StopOnSignal() {
	install.Do(func() {
		signals := make(chan os.Signal, 2)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		go func() {
			<-signals
			stop()
			go func() {
				wait(grace)
				rush()
				wait(rest)
				os.Exit(0)
			}()
			os.Exit(128 + int((<-signals).(syscall.Signal)))
		}()
	})
}

// wait waits for duration, and longer if the machine pauses. A pause, in which
// the program gets nothing done, could use up one long sleep. Of many short
// sleeps, it uses up only one.
func wait(duration time.Duration) {
	for range duration / tick {
		time.Sleep(tick)
	}
}

// Stopping returns a context that is done when the program has to stop.
func Stopping() context.Context { return stopping }

// Hurrying returns a context that is done when the program has to stop and has
// no more time for the answers in progress.
func Hurrying() context.Context { return hurrying }
