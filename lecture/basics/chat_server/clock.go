//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"

	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// A clock is how far a client has come, and how long it may take for the next
// step. The zero time is no limit.
type clock struct {
	lineBy    time.Time // for the rest of a line
	takeBy    time.Time // to take some of what waits
	offline   bool      // it says no more, but may still hear
	dismissed bool      // it hears only what waits already
	shutDown  bool      // it has been sent that, and our side is shut down
	closeBy   time.Time // then: to close its side
	drained   int       // then: bytes that arrived
	closed    bool
	reported  bool
}

var never time.Time

// Clocks tell a server when to look at its list even if select reports nothing.
type clocks struct {
	stop        *selectors.Key
	now         time.Time // when this turn of the loop began
	looked      time.Time // when we last looked at the deadlines
	acceptAgain time.Time // if accept has failed
	timing      bool      // there is a deadline
	draining    int       // clients whose connections are shut down
	stopping    bool
}

// newServer opens a server's socket. If it cannot, the program ends with status
// 1 and a line that says why.
func newServer(address socket.Address) *server {
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	port := listener.Address.Port
	s := &server{}
	if s.serverSocket, err = listener.Detach(); err != nil {
		program.Fail("listen", err)
	}
	stop, err := socket.Stopping()
	if err != nil {
		program.Fail("pipe", err)
	}
	s.Selector, _ = selectors.NewPoll() // no call of it fails but Select
	s.newClients, _ = s.Register(
		s.serverSocket.Fileno(), selectors.EventRead, nil)
	s.stop, _ = s.Register(stop.Fileno(), selectors.EventRead, nil)
	program.Printf("Chat server started on port %d\n", port)
	return s
}

func (s *server) beginTurn() { s.now = time.Now() }

func (s *server) acceptLater(pause time.Duration) {
	s.Modify(s.newClients, 0) // poll cannot wait for a free descriptor
	s.acceptAgain = time.Now().Add(pause)
}

// startClock sets a deadline, unless it is set already.
func (s *server) startClock(deadline *time.Time) {
	if *deadline == never && socket.DefaultTimeout() > 0 {
		*deadline = time.Now().Add(socket.DefaultTimeout())
		s.timing = true
	}
}

// waitFor decides what to wait for after a client's step.
func (s *server) waitFor(c *client) {
	if c.broken != nil {
		c.waiting = bytes.Buffer{}
	}
	if c.broken != nil && c.offline {
		s.close(c)
		return
	}
	var events selectors.Event
	if c.waiting.Len() > 0 {
		events = selectors.EventWrite
		s.startClock(&c.takeBy)
	} else {
		c.takeBy = never
		c.free()
		if c.dismissed && !s.shutDown(c) {
			return
		}
	}
	if !c.offline || c.shutDown {
		events |= selectors.EventRead
	}
	s.Modify(c.key, events)
}

// free frees the memory of a large queue, and keeps a small one.
func (c *client) free() {
	if c.waiting.Cap() > 4<<10 {
		c.waiting = bytes.Buffer{}
	}
}

// shutDown shuts down our side of a connection that has no more to send. We go
// on to read what the client still sends, because to close a socket with input
// unread would reset the connection, and a reset destroys what the client has
// not read yet. If there is no connection any more, shutDown closes the socket
// and returns false.
func (s *server) shutDown(c *client) bool {
	if c.shutDown {
		return true
	}
	c.shutDown, c.closeBy = true, time.Now().Add(socket.Linger())
	s.draining++
	if c.sock.Shutdown() != nil {
		s.close(c)
	}
	return !c.closed
}

// More from a client that is no longer heard: discard it.
func (s *server) drain(c *client, n int, err error) {
	c.drained += n
	if err != nil || c.drained > socket.MaxLinger {
		s.close(c)
	}
}

// close closes a client's socket. The last client in the list takes its place.
func (s *server) close(c *client) {
	last := len(s.socketList) - 1
	s.socketList[c.row] = s.socketList[last]
	s.socketList[c.row].row = c.row
	s.socketList[last] = nil
	s.socketList = s.socketList[:last]
	if c.shutDown {
		s.draining--
	}
	c.closed = true
	s.Forget(c.key)
	c.sock.Close()
}

// complain reports a client's first fault, and no other.
func (s *server) complain(c *client, why error) {
	if !c.reported && why != io.EOF {
		c.reported = true
		lecture.Complain(net.TCPAddrFromAddrPort(c.address), why)
	}
}

// stopChat obeys the signal to stop: the server accepts no more clients, and
// ends each connection when the client has taken what waits for it.
func (s *server) stopChat() {
	s.stopping = true
	s.Forget(s.newClients)
	s.serverSocket.Close()
	s.Unregister(s.stop)
	for row := len(s.socketList) - 1; row >= 0; row-- {
		c := s.socketList[row]
		switch {
		case c.shutDown: // there is less time now
			c.closeBy = s.now.Add(socket.Linger())
		case !c.dismissed:
			c.offline = true // so dismiss does not announce it
			s.dismiss(c, framing.Ended(c.received.Rest(), program.ErrStopped))
		}
	}
}

// interval is how often we look at the deadlines. Looking at all of them now
// and then is cheaper than keeping them in order.
func (s *server) interval() time.Duration {
	if s.stopping || s.draining > 0 {
		return 50 * time.Millisecond
	}
	return socket.Tick(socket.DefaultTimeout())
}

// patience is how long select may wait. A negative time is for ever.
func (s *server) patience() time.Duration {
	wait := s.interval()
	switch {
	case s.stopping, s.draining > 0:
	case !s.acceptAgain.IsZero():
		wait = min(wait, time.Until(s.acceptAgain))
	case !s.timing:
		return -1
	}
	return max(wait, 0)
}

// lookAtClock does what is due.
func (s *server) lookAtClock() {
	if program.Stopping().Err() != nil && !s.stopping {
		s.stopChat()
	}
	if !s.acceptAgain.IsZero() && !s.now.Before(s.acceptAgain) && !s.stopping {
		s.acceptAgain = never
		s.Modify(s.newClients, selectors.EventRead)
	}
	if s.now.Sub(s.looked) < s.interval() {
		return
	}
	s.looked, s.timing = s.now, false
	for row := len(s.socketList) - 1; row >= 0; row-- {
		s.lookAt(s.socketList[row])
	}
	s.tellAll()
}

// lookAt looks at the deadlines of a client.
func (s *server) lookAt(c *client) {
	late := func(deadline time.Time) bool {
		s.timing = s.timing || deadline != never
		return deadline != never && s.now.After(deadline)
	}
	waits, hurry := c.waiting.Len(), program.Hurrying().Err() != nil
	switch {
	case c.shutDown:
		if late(c.closeBy) {
			s.close(c)
		}
	case waits > 0 && hurry, late(c.takeBy):
		why := program.ErrTimedOut
		if hurry {
			why = program.ErrStopped
		}
		c.waiting = bytes.Buffer{}
		s.dismiss(c, fmt.Errorf("%w before it took %d bytes", why, waits))
	case late(c.lineBy):
		s.dismiss(c, framing.Ended(c.received.Rest(), program.ErrTimedOut))
	}
}
