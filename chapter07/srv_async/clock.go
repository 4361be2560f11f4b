//go:build unix

package main

import (
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// A clock knows when the server has to look at its table even if poll reports
// nothing.
type clock struct {
	now         time.Time // when poll last returned
	looked      time.Time // when we last looked at the deadlines
	acceptAgain time.Time // after accept has failed; otherwise zero
	draining    int       // conversations that are shut down
	stopping    bool
}

func newServer(listener *socket.Listener) *server {
	sock, err := listener.Detach()
	if err != nil {
		program.Fail("listen", err)
	}
	stop, err := socket.Stopping()
	if err != nil {
		program.Fail("pipe", err)
	}
	s := &server{listener: sock}
	s.register(sock, nil)
	s.register(stop, nil)
	return s
}

// The server ends a conversation by itself: shut down our side, and keep the
// row to drain what the client still sends. To close a socket with input unread
// would reset the connection, and a reset destroys answers that the client has
// not read yet.
func (s *server) hangUp(row int, why error) {
	c := s.conversations[row]
	c.printEnd(why)
	c.shutDown, c.toSend = true, nil
	c.deadline = time.Now().Add(socket.Linger())
	s.draining++
	s.fds[row].Events = unix.POLLIN
	if c.sock.Shutdown() != nil {
		s.closeDrained(row)
	}
}

// More from a client whose conversation is shut down: discard it.
func (s *server) drain(row int) {
	c := s.conversations[row]
	n, err := c.sock.Recv(s.buffer[:])
	c.drained += n
	gone := err != nil && err != socket.ErrWouldBlock
	if gone || c.drained > socket.MaxLinger {
		s.closeDrained(row)
	}
}

func (s *server) closeDrained(row int) {
	s.draining--
	s.close(row, nil)
}

// The signal to stop: accept no more clients, and end every conversation when
// its answers are sent.
func (s *server) stop() {
	s.stopping = true
	s.listener.Close()
	s.fds[listenerRow].Fd, s.fds[stopRow].Fd = -1, -1 // poll ignores them
	for row := len(s.fds) - 1; row >= firstClient; row-- {
		c := s.conversations[row]
		switch {
		case c.shutDown: // there is less time now
			c.deadline = s.now.Add(socket.Linger())
		case c.toSend != nil:
			c.ending = program.ErrStopped
		default:
			s.hangUp(row, program.ErrStopped)
		}
	}
}

// interval is how often we look at the deadlines. To look at all of them once
// in a while is cheaper than to keep them in order.
func (s *server) interval() time.Duration {
	if s.stopping || s.draining > 0 {
		return 50 * time.Millisecond
	}
	return socket.Tick(socket.DefaultTimeout())
}

// patience is how long poll may wait, in milliseconds. -1 is for ever.
func (s *server) patience() int {
	wait := s.interval()
	switch {
	case s.stopping, s.draining > 0:
	case !s.acceptAgain.IsZero():
		wait = min(wait, s.acceptAgain.Sub(s.now))
	case socket.DefaultTimeout() == 0, len(s.fds) == firstClient:
		return -1
	}
	return int(max(wait, 0)/time.Millisecond) + 1
}

// lookAtClock does what is due.
func (s *server) lookAtClock() {
	if !s.acceptAgain.IsZero() && s.now.After(s.acceptAgain) && !s.stopping {
		s.acceptAgain = time.Time{}
		s.fds[listenerRow].Events = unix.POLLIN
	}
	if s.now.Sub(s.looked) < s.interval() {
		return
	}
	s.looked = s.now
	for row := len(s.fds) - 1; row >= firstClient; row-- {
		c := s.conversations[row]
		switch {
		case !s.late(c):
		case c.shutDown:
			s.closeDrained(row)
		case c.toSend != nil:
			s.hangUp(row, program.ErrTimedOut)
		default:
			s.receive(row) // it may have asked while we were busy with others
			if row < len(s.fds) && s.conversations[row] == c && s.late(c) {
				s.hangUp(row, program.ErrTimedOut)
			}
		}
	}
}

// late reports whether a client has used up its time, or the server's time to
// stop is up.
func (s *server) late(c *conversation) bool {
	limited := c.shutDown || socket.DefaultTimeout() > 0
	return limited && s.now.After(c.deadline) ||
		!c.shutDown && program.Hurrying().Err() != nil
}
