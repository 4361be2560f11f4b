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

// How a server stops: within a second of the first signal, on a machine that
// lets it run.
const (
	grace = 12 * tick // for answers that are being made or sent
	rest  = 7 * tick  // then for whoever is still to be closed
	tick  = 50 * time.Millisecond
)

// Why a program ends a conversation by itself.
var (
	ErrTimedOut = errors.New("timed out")
	ErrStopped  = errors.New("server stopped")
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

// wait waits for duration, and longer where the program is not let run. One
// long sleep may end together with a pause of the machine in which nobody got
// anything done; of many short ones that pause ends only one.
func wait(duration time.Duration) {
	for range duration / tick {
		time.Sleep(tick)
	}
}

// Stopping is done when the program has been asked to stop.
func Stopping() context.Context { return stopping }

// Hurrying is done when a program that was asked to stop is out of time.
func Hurrying() context.Context { return hurrying }
