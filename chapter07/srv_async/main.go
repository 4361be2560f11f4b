//go:build unix

// Srv_async answers Zen questions from one thread, which waits in poll for all
// of its clients at once and keeps a table of their half-read questions and
// half-sent answers by hand.
//
// Source: fopnp py3/chapter07/srv_async.py
//
// What to notice: no call but poll ever waits, so nobody's slowness is anybody
// else's. The page is long because doing it by hand is long: who is waited for,
// and for what, has to be written down after every step.
//
// What Go changes: a descriptor is closed and its row struck out in one step.
// The original closes it and lets the next poll report POLLNVAL; a client that
// is accepted before that gets the same number, and is thrown out.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// A conversation is what the server has to remember of one client.
type conversation struct {
	sock     socket.Socket
	address  netip.AddrPort
	received zen_utils.Framer // half a question
	toSend   []byte           // answers that the client has not taken yet
	ending   error            // why it is over once they are sent
	deadline time.Time        // for the client to take them, and to ask again
}

// A server is a table: poll waits for fds[i] on behalf of conversations[i].
// The first two rows are the listener's and that of the signal to stop.
type server struct {
	fds           []unix.PollFd
	conversations []*conversation

	listener    socket.Socket
	backoff     socket.Backoff
	acceptAgain time.Time // if accept has failed
	stopping    bool
	now         time.Time  // when poll last returned
	looked      time.Time  // when deadlines were looked at
	buffer      [4096]byte // whatever comes, from whomever
	answers     []byte     // whatever goes, to whomever
}

const listenerRow, stopRow, firstClient = 0, 1, 2

func (s *server) register(sock socket.Socket, c *conversation) {
	s.fds = append(s.fds, unix.PollFd{Fd: int32(sock), Events: unix.POLLIN})
	s.conversations = append(s.conversations, c)
}

// unregister strikes out a row. The last row moves into its place.
func (s *server) unregister(row int) {
	last := len(s.fds) - 1
	s.fds[row], s.conversations[row] = s.fds[last], s.conversations[last]
	s.conversations[last] = nil
	s.fds, s.conversations = s.fds[:last], s.conversations[:last]
}

// serve answers until it is told to stop and the last client has gone.
func (s *server) serve() {
	for !s.stopping || len(s.fds) > firstClient {
		_, err := unix.Poll(s.fds, s.patience())
		if err == unix.EINTR {
			continue
		} else if err != nil {
			program.Fail("poll", err)
		}
		s.now = time.Now()

		// In the order in which poll looks: whoever is answered first has
		// the most time to ask again before poll comes by.
		for row := firstClient; row < len(s.fds); row++ {
			c := s.conversations[row]
			if s.fds[row].Revents&unix.POLLOUT != 0 {
				s.send(row, c.toSend)
			} else if s.fds[row].Revents != 0 {
				s.receive(row)
			}
			if row < len(s.fds) && s.conversations[row] != c {
				row-- // it was struck out, and the last row has moved here
			}
		}
		if s.fds[listenerRow].Revents != 0 {
			s.accept()
		}
		if s.fds[stopRow].Revents != 0 && !s.stopping {
			s.stop()
		}
		s.lookAtClock()
	}
}

// New sockets: add them to the table, as many as have come.
func (s *server) accept() {
	for {
		sock, address, err := s.listener.Accept()
		if err == socket.ErrWouldBlock {
			return
		}
		if err != nil { // for want of a descriptor: poll would not wait for one
			s.fds[listenerRow].Events = 0
			s.acceptAgain = s.now.Add(s.backoff.Failed("accept", err))
			return
		}
		s.backoff.Succeeded()
		fmt.Printf("Accepted connection from %s\n", pyfmt.AddrPort(address))
		c := &conversation{sock: sock, address: address}
		c.deadline = s.now.Add(zen_utils.Timeout)
		s.register(sock, c)
	}
}

// Incoming data: answer every question that is whole.
func (s *server) receive(row int) {
	c := s.conversations[row]
	n, err := c.sock.Recv(s.buffer[:])
	if err == socket.ErrWouldBlock {
		return
	} else if err != nil {
		s.close(row, err)
		return
	}
	s.answers, c.ending = zen_utils.GetAnswers(
		s.answers[:0], &c.received, s.buffer[:n])
	if len(s.answers) > 0 || c.ending != nil {
		// Not s.now: an answer may have taken its time.
		c.deadline = time.Now().Add(zen_utils.Timeout)
		s.send(row, s.answers)
	}
}

// Answers to send: send what there is room for. Only when that was not all is
// poll asked to say when there is more, and until then to hear nothing else.
func (s *server) send(row int, answers []byte) {
	c := s.conversations[row]
	n, err := c.sock.Send(answers)
	c.toSend = nil
	if n < len(answers) {
		c.toSend = bytes.Clone(answers[n:])
	}
	switch {
	case err != nil && err != socket.ErrWouldBlock:
		s.close(row, err)
	case c.toSend != nil:
		s.fds[row].Events = unix.POLLOUT
	case c.ending != nil:
		s.close(row, c.ending)
	default:
		s.fds[row].Events = unix.POLLIN
	}
}

// Socket closed, or to be closed: remove it from the table.
func (s *server) close(row int, why error) {
	c := s.conversations[row]
	s.unregister(row)
	c.sock.Close()
	address, half := pyfmt.AddrPort(c.address), c.received.Rest()
	ended := socket.Ended(half, why)
	switch {
	case c.toSend != nil:
		fmt.Printf("Client %s closed before we sent %s\n",
			address, pyfmt.Bytes(c.toSend))
	case ended == io.EOF:
		fmt.Printf("Client %s closed socket normally\n", address)
	case why == io.EOF:
		fmt.Printf("Client %s sent %s but then closed\n",
			address, pyfmt.Bytes(half))
	default:
		fmt.Printf("Client %s error: %v\n", address, ended)
	}
}

// The signal to stop: accept nobody, and end every conversation as soon as its
// answers are sent.
func (s *server) stop() {
	s.stopping = true
	s.listener.Close()
	s.fds[listenerRow].Fd, s.fds[stopRow].Fd = -1, -1 // poll passes them over
	for row := len(s.fds) - 1; row >= firstClient; row-- {
		c := s.conversations[row]
		c.ending = socket.ErrStopped
		if c.toSend == nil {
			s.close(row, c.ending)
		}
	}
}

// patience is how long poll may wait, in milliseconds; -1 is for ever.
func (s *server) patience() int {
	wait := socket.Tick(zen_utils.Timeout)
	switch {
	case s.stopping:
		wait = 50 * time.Millisecond
	case !s.acceptAgain.IsZero():
		wait = min(wait, s.acceptAgain.Sub(s.now))
	case zen_utils.Timeout == 0, len(s.fds) == firstClient:
		return -1
	}
	return int(max(wait, 0)/time.Millisecond) + 1
}

// lookAtClock does what is due. To look at all deadlines once in a while is
// cheaper than to keep them in order.
func (s *server) lookAtClock() {
	if !s.acceptAgain.IsZero() && s.now.After(s.acceptAgain) && !s.stopping {
		s.acceptAgain = time.Time{}
		s.fds[listenerRow].Events = unix.POLLIN
	}
	if s.now.Sub(s.looked) < socket.Tick(zen_utils.Timeout) && !s.stopping {
		return
	}
	s.looked = s.now
	for row := len(s.fds) - 1; row >= firstClient; row-- {
		c := s.conversations[row]
		if s.late(c) && c.toSend == nil {
			s.receive(row) // it may have asked while we were busy with others
		}
		if row < len(s.fds) && s.conversations[row] == c && s.late(c) {
			s.close(row, socket.ErrTimedOut)
		}
	}
}

// late reports whether a client has used up its time, or ours is over.
func (s *server) late(c *conversation) bool {
	return zen_utils.Timeout > 0 && s.now.After(c.deadline) ||
		program.Hurrying().Err() != nil
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

func main() {
	address := zen_utils.ParseCommandLine("asynchronous server using poll()")
	listener := zen_utils.CreateSrvSocket(address)
	newServer(listener).serve()
}
