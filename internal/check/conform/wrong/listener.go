package wrong

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// A Listener is the listener of a server called wrong, which is correct except
// for one defect. Some of the defects are in the listener.
type Listener struct {
	net.Listener
	Defect string
	failed bool // accept has failed, and the server has said so
}

// StopOnSignal makes the server stop on SIGINT or SIGTERM. On the first signal,
// it closes the listener and cancels stopping. After a grace period, it cancels
// hurrying. A second signal ends the server.
func (l *Listener) StopOnSignal(grace time.Duration) (stopping, hurrying context.Context) {
	stopping, stop := context.WithCancel(context.Background())
	hurrying, hurry := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if l.Defect == "dies of SIGINT" {
		signal.Reset(os.Interrupt)
	}
	go func() {
		<-signals
		switch l.Defect {
		case "status after stop":
			os.Exit(1)
		case "stops at once":
			os.Exit(0)
		case "stops late":
			grace = 3500 * time.Millisecond
		}
		if l.Defect != "does not hurry" {
			time.AfterFunc(grace, hurry)
		}
		stop()
		if l.Defect == "keeps listening" {
			context.AfterFunc(hurrying, func() { l.Close() })
		} else {
			l.Close()
		}
		second := <-signals
		if l.Defect != "second signal ignored" {
			os.Exit(128 + int(second.(syscall.Signal)))
		}
	}()
	return stopping, hurrying
}

// Accept returns the connection of the next client, or an error if the listener
// is closed. If there is no descriptor for the client, the server says so once,
// and tries again. Only one goroutine may call Accept.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil:
			l.failed = l.failed && l.Defect == "says it once"
			return conn, nil
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case l.Defect == "dies without descriptors":
			os.Exit(3)
		case !l.failed || l.Defect == "says it always":
			fmt.Fprintln(os.Stderr, "wrong: accept (will try again): too many open files")
		}
		l.failed = true
		if l.Defect != "spins" {
			<-time.After(20 * time.Millisecond)
		}
	}
}
