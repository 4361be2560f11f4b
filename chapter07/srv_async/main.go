//go:build unix

// Srv_async answers Zen questions from one thread that waits in poll for all
// its clients at once, and keeps a table of half-read questions and half-sent
// answers by hand.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/srv_async.py
//
// What to notice: no call but poll ever waits, so one slow client does not slow
// down the others. The listing is long because doing this by hand takes a lot
// of code: after every step, the server has to write down what it waits for
// next.
//
// What Go changes: the server closes a descriptor and removes its row in one
// step. The original closes it and lets the next poll report POLLNVAL; a client
// that is accepted before that gets the same number, and is thrown out.
//
// The rest is in clock.go: deadlines, stopping, and closing without a reset.
package main

import (
	"bytes"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
)

// A conversation is what the server remembers about one client.
type conversation struct {
	sock     socket.Socket
	address  netip.AddrPort
	received framing.Framer // half a question
	toSend   []byte         // answers that the client has not taken yet
	ending   error          // why the conversation ends when they are sent
	deadline time.Time      // for the client to take them, and to ask again
	shutDown bool           // our side is: only the client still sends
	drained  int            // bytes that came since
}

// A server is a table: poll waits for fds[i] on behalf of conversations[i]. The
// first two rows belong to the listener and to the signal to stop.
type server struct {
	fds           []unix.PollFd
	conversations []*conversation
	clock

	listener socket.Socket
	backoff  socket.Backoff
	buffer   [4096]byte // every client's questions arrive here
	answers  []byte     // and their answers leave from here
}

const listenerRow, stopRow, firstClient = 0, 1, 2

func (s *server) register(sock socket.Socket, c *conversation) {
	s.fds = append(s.fds, unix.PollFd{Fd: int32(sock), Events: unix.POLLIN})
	s.conversations = append(s.conversations, c)
}

// unregister removes a row. The last row moves into its place.
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

		// In poll's own order: a client that is answered early has more time
		// to ask again before poll looks at its row.
		for row := firstClient; row < len(s.fds); row++ {
			c := s.conversations[row]
			switch events := s.fds[row].Revents; {
			case c.shutDown && events != 0:
				s.drain(row)
			case events&unix.POLLOUT != 0:
				s.send(row, c.toSend)
			case events != 0:
				s.receive(row)
			}
			if row < len(s.fds) && s.conversations[row] != c {
				row-- // the row was removed, and the last row is here now
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

// New clients: add each of them to the table.
func (s *server) accept() {
	for {
		sock, address, err := s.listener.Accept()
		if err == socket.ErrWouldBlock {
			return
		}
		if err != nil { // no descriptor is free, and poll cannot wait for one
			s.fds[listenerRow].Events = 0
			s.acceptAgain = s.now.Add(s.backoff.Failed("accept", err))
			return
		}
		s.backoff.Succeeded()
		program.Printf("Accepted connection from %s\n", pyfmt.AddrPort(address))
		c := &conversation{sock: sock, address: address}
		c.deadline = s.now.Add(socket.DefaultTimeout())
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
	s.answers = s.answers[:0]
	for aphorism := range c.received.Messages(
		s.buffer[:n], '?', framing.Blanks) {
		s.answers = append(s.answers, zen_utils.GetAnswer(aphorism)...)
	}
	c.ending = c.received.Err()
	if len(s.answers) > 0 || c.ending != nil {
		// Not s.now, because an answer may have taken its time.
		c.deadline = time.Now().Add(socket.DefaultTimeout())
		s.send(row, s.answers)
	}
}

// Answers to send: send what there is room for. If that is not all, poll for
// room, and for nothing else until then.
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
		s.hangUp(row, c.ending)
	default:
		s.fds[row].Events = unix.POLLIN
	}
}

// The client has closed the connection, or it broke: remove the client from the
// table.
func (s *server) close(row int, why error) {
	c := s.conversations[row]
	if !c.shutDown {
		c.printEnd(why)
	}
	s.unregister(row)
	c.sock.Close()
}

func (c *conversation) printEnd(why error) {
	address, half := pyfmt.AddrPort(c.address), c.received.Rest()
	if c.toSend != nil {
		why = framing.Unsent(c.toSend, why)
	}
	ended := framing.Ended(half, why)
	switch {
	case c.toSend != nil && len(half) == 0:
		program.Printf("Client %s closed before we sent %s\n",
			address, pyfmt.Bytes(c.toSend))
	case ended == io.EOF:
		program.Printf("Client %s closed socket normally\n", address)
	case why == io.EOF:
		program.Printf("Client %s sent %s but then closed\n",
			address, pyfmt.Bytes(half))
	default:
		program.Printf("Client %s error: %v\n", address, ended)
	}
}

func main() {
	address := zen_utils.ParseCommandLine("asynchronous server using poll()")
	listener := zen_utils.CreateSrvSocket(address)
	newServer(listener).serve()
}
