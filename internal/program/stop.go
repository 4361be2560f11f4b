package program

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// How a server stops: within a second of the first signal, on a machine that
// lets it run.
const (
	grace = 600 * time.Millisecond // for answers that are being made or sent
	rest  = 350 * time.Millisecond // then for whoever is still to be closed
)

var (
	stopping, stop = context.WithCancel(context.Background())
	hurrying, rush = context.WithCancel(context.Background())
	install        sync.Once
)

// StopOnSignal makes SIGINT and SIGTERM stop the program in order, in three
// steps. At the signal, Stopping is done: no more clients are accepted and
// idle conversations close. After 600 ms, Hurrying is done: what still is
// being computed or sent is cut short. 350 ms later the program exits with
// status 0, unless its main function has returned before. A second signal
// ends it at once, with 128 and the signal's number for status, as a shell
// reports a program that died of it.
func StopOnSignal() {
	install.Do(func() {
		signals := make(chan os.Signal, 2)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		go func() {
			<-signals
			time.AfterFunc(grace, func() {
				rush()
				time.AfterFunc(rest, func() { os.Exit(0) })
			})
			stop()
			os.Exit(128 + int((<-signals).(syscall.Signal)))
		}()
	})
}

// Stopping is done when the program has been asked to stop.
func Stopping() context.Context { return stopping }

// Hurrying is done when a program that was asked to stop is out of time.
func Hurrying() context.Context { return hurrying }
