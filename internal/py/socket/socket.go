// Package socket gives the listings what they took from Python's module of
// that name and Go's package net does not give in the same form: addresses
// that are pairs of host and port, and listeners that outlive a shortage of
// descriptors and close when the program is asked to stop.
//
// Source: https://docs.python.org/3/library/socket.html
package socket

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/program"
)

// An Address is a host and a port as they were asked for on a command line.
// The empty Host is every interface to a server, and this machine to a client.
type Address struct {
	Host string // name, IPv4 or IPv6 address, or ""
	Port int    // 0 to 65535; 0 lets the system choose
}

// String is the address as Python prints the tuple:
//
//	('', 1060)
func (a Address) String() string { return pyfmt.HostPort(a.Host, a.Port) }

// join is the address as package net wants it.
func (a Address) join() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

// Connect opens a TCP connection to address. It tries the IP addresses of the
// host one after the other. The timeout limits the connecting, and then each
// message of the peer's; 0 is no limit. The error is only the reason, because
// the program's own message names the address: see program.Why.
func Connect(address Address, timeout time.Duration) (*Conversation, error) {
	conn, err := net.DialTimeout("tcp", address.join(), timeout)
	if err != nil {
		return nil, err
	}
	return converse(conn, timeout, false), nil
}

// A Listener is a TCP socket that listens.
type Listener struct {
	net.Listener
	Address Address // as it was asked for, but with the real port in place of 0

	// Patience is how long Accept waits for a client; 0 is for ever.
	Patience time.Duration

	backoff Backoff
	forget  func() bool // releases the hook that closes it when the program stops
}

// Listen opens a TCP listener at address: IPv4 and IPv6 both, if its host is
// empty. SO_REUSEADDR is set, so that a server can be started again while
// connections of its last run linger. The listener is plain TCP without
// keep-alive probes, which servers with a deadline for every question have no
// use for and which cost four system calls a connection.
//
// From here on SIGINT and SIGTERM stop the program in order, and the listener
// closes when they do. What else there is to set, options set before it opens.
func Listen(address Address, options ...func(*net.ListenConfig)) (*Listener, error) {
	config := net.ListenConfig{KeepAlive: -1}
	config.SetMultipathTCP(false)
	for _, set := range options {
		set(&config)
	}
	listener, err := config.Listen(context.Background(), "tcp", address.join())
	if err != nil {
		return nil, err
	}
	if address.Port == 0 {
		address.Port = listener.Addr().(*net.TCPAddr).Port
	}
	l := NewListener(listener)
	l.Address = address
	return l, nil
}

// NewListener makes a Listener of one that somebody else has opened. Its address
// is not known.
func NewListener(listener net.Listener) *Listener {
	program.StopOnSignal()
	l := &Listener{Listener: listener}
	l.forget = context.AfterFunc(program.Stopping(), func() { listener.Close() })
	return l
}

// Accept waits for a client and returns the conversation with it. If accept
// fails, as it does when the process or the system runs out of descriptors,
// Accept says so once on stderr and tries again after 5 ms, 10 ms, and so on, up
// to a second. Several goroutines may call it at once.
//
// The only errors are net.ErrClosed, if the listener was closed or the program
// has to stop (a client that is still in the queue is turned away), and
// os.ErrDeadlineExceeded, if nobody came within Patience.
func (l *Listener) Accept() (*Conversation, error) {
	if l.Patience > 0 {
		deadline := time.Now().Add(l.Patience)
		l.Listener.(interface{ SetDeadline(time.Time) error }).SetDeadline(deadline)
	}
	for {
		conn, err := l.Listener.Accept()
		if err == nil && program.Stopping().Err() != nil {
			conn.Close()
			return nil, net.ErrClosed
		}
		if err == nil {
			l.backoff.Succeeded()
			return Converse(conn), nil
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, os.ErrDeadlineExceeded
		}
		l.backoff.Wait("accept", err)
	}
}
