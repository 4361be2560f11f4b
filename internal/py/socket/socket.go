// Package socket has the parts of Python's module of that name that the
// listings use and that Go's package net does not have in the same form:
// addresses that are pairs of host and port, conversations whose peer has
// limited time, and listeners that survive a shortage of descriptors and close
// when the program has to stop.
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

// An Address is a host and a port, as given on a command line. For a server,
// the empty Host means every interface. For a client, it means the local host.
type Address struct {
	Host string // name, IPv4 or IPv6 address, or ""
	Port int    // 0 to 65535; 0 lets the system choose
}

// String returns the address as Python prints the tuple:
//
//	('', 1060)
func (a Address) String() string { return pyfmt.HostPort(a.Host, a.Port) }

// join returns the address as package net wants it.
func (a Address) join() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

// Connect opens a TCP connection to address. It tries the IP addresses of the
// host until one accepts. The timeout limits how long connecting takes, and
// then each message of the peer (see Conversation.SetTimeout). 0 is no limit.
// To report the error in a line that names the address already, use
// program.Why.
func Connect(address Address, timeout time.Duration) (*Conversation, error) {
	conn, err := net.DialTimeout("tcp", address.join(), timeout)
	if err != nil {
		return nil, err
	}
	return converse(conn, timeout, false), nil
}

// A Listener is a listening socket.
type Listener struct {
	net.Listener
	Address Address // as asked for, but with the real port in place of 0

	// Patience is how long Accept waits for a client. 0 is no limit.
	Patience time.Duration

	backoff Backoff
	forget  func() bool // stops watching for the program's shutdown
}

// Listen opens a TCP listener at address, for both IPv4 and IPv6 if the host is
// empty. SO_REUSEADDR is set, so a server can be started again while
// connections of its last run linger. The listener uses plain TCP without
// keep-alive probes: a server with a deadline for every question does not need
// them, and they cost four system calls for each connection. The options can
// change that, and set more, before the listener opens.
//
// From then on, SIGINT and SIGTERM shut the program down gracefully (see
// program.StopOnSignal), and the listener closes when they do.
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

// NewListener makes a Listener from one of package net that is already open. As
// with Listen, it closes when a signal stops the program. Its Address is empty.
func NewListener(listener net.Listener) *Listener {
	program.StopOnSignal()
	l := &Listener{Listener: listener}
	l.forget = context.AfterFunc(program.Stopping(), func() { listener.Close() })
	return l
}

// Close closes the listener. Clients that are still in its queue are turned away.
func (l *Listener) Close() error {
	l.forget()
	return l.Listener.Close()
}

// Accept waits for a client and returns the conversation with it. If accept(2)
// fails, as it does when the process or the system runs out of descriptors,
// Accept reports that once on stderr and tries again after 5 ms, 10 ms, and so
// on, up to a second. Several goroutines may call it at once.
//
// The only errors are net.ErrClosed, if the listener was closed or the program
// has to stop, and os.ErrDeadlineExceeded, if no client came within Patience. A
// client that is in the queue when the program has to stop is turned away.
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
