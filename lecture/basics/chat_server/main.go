//go:build unix

// Chat_server passes each line on to all other clients from one thread: select
// tells it which clients have said something, and which have room again.
//
// Source: Network Programming II - Chat Server & Client
//
// What to notice: the server never waits for a client. What a client does not
// take at once waits in a queue of its own, and leaves in one write when there
// is room. A client for which a megabyte waits is thrown out.
//
// What to try: start two chat_clients and, as a third client, "nc localhost
// 9009". Stop that one with Ctrl-Z. The other two chat on as if it were there.
//
// What Go changes: the original calls select over and over without a pause. It
// takes a segment for a line, so two lines get one name, and it names the wrong
// client in "is offline". One client that does not read stops it for all.
//
// Clock.go has the rest: deadlines, stopping, and closing without a reset.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// A client is what the server remembers about one client.
type client struct {
	sock     socket.Socket
	address  netip.AddrPort
	key      *selectors.Key // what we wait for
	row      int            // in socketList
	name     string         // stands before its lines
	received framing.Framer // half a line
	waiting  bytes.Buffer   // what it has not taken yet
	heard    int            // it has all of news up to here
	broken   error          // why we can send it no more
	clock
}

// A server is a list of clients, and the news for them.
type server struct {
	selectors.Selector
	serverSocket socket.Socket
	newClients   *selectors.Key
	socketList   []*client
	news         []byte    // what this turn of the loop has brought
	stuck        []*client // too much waits for them
	backoff      socket.Backoff
	buffer       [16 << 10]byte // every client's lines arrive here
	clocks
}

// chatServer chats until it is told to stop and the last client has gone.
func (s *server) chatServer() {
	for !s.stopping || len(s.socketList) > 0 {
		if err := s.Select(s.patience()); err != nil {
			program.Fail("select", err)
		}
		s.beginTurn()
		for key, ready := s.Next(); key != nil; key, ready = s.Next() {
			c, isClient := key.Data.(*client)
			if key == s.newClients {
				s.accept()
			}
			if isClient && ready&selectors.EventWrite != 0 {
				s.sendWaiting(c)
			}
			if isClient && ready&selectors.EventRead != 0 && !c.closed {
				s.receive(c)
			}
		}
		s.tellAll()
		s.lookAtClock()
	}
}

// New clients: all others hear who has come.
func (s *server) accept() {
	for {
		sock, addr, err := s.serverSocket.Accept()
		if err == socket.ErrWouldBlock {
			return
		} else if err != nil { // no descriptor is free
			s.acceptLater(s.backoff.Failed("accept", err))
			return
		}
		s.backoff.Succeeded()
		c := &client{sock: sock, address: addr, row: len(s.socketList)}
		c.name = "\r[" + pyfmt.AddrPort(addr) + "] "
		c.key, _ = s.Register(sock.Fileno(), selectors.EventRead, c)
		s.socketList = append(s.socketList, c)
		program.Printf("Client (%s, %d) connected\n", addr.Addr(), addr.Port())
		c.heard = len(s.news) // not what was said before it came
		s.broadcast(c, fmt.Sprintf("[%s:%d] entered our chatting room\n",
			addr.Addr(), addr.Port()), nil)
	}
}

// A client has sent something: each whole line is for all others.
func (s *server) receive(c *client) {
	n, err := c.sock.Recv(s.buffer[:])
	if err == socket.ErrWouldBlock {
		return
	} else if c.offline {
		s.drain(c, n, err)
		return
	} else if err != nil {
		s.hangUp(c, err)
		return
	}
	for line := range c.received.Messages(s.buffer[:n], '\n', "") {
		s.broadcast(c, c.name, line)
		if len(s.news) > 64<<10 {
			s.tellAll() // or a client that does read could seem stuck
		}
		if c.offline {
			return // it was stuck itself
		}
		c.lineBy = never
	}
	if c.received.Err() != nil {
		s.dismiss(c, c.received.Err())
	} else if len(c.received.Rest()) > 0 {
		s.startClock(&c.lineBy)
	}
}

// broadcast adds a message to the news for all clients but the one that it is
// about. That client still gets the earlier news, but not the message.
func (s *server) broadcast(about *client, message string, line []byte) {
	about.waiting.Write(s.news[about.heard:])
	s.news = append(append(s.news, message...), line...)
	about.heard = len(s.news)
}

// tellAll sends the news to all clients, in one write for each.
func (s *server) tellAll() {
	for len(s.news) > 0 {
		for row := len(s.socketList) - 1; row >= 0; row-- {
			c := s.socketList[row]
			news := s.news[c.heard:]
			c.heard = 0
			s.tell(c, news)
		}
		s.news = s.news[:0]
		for _, c := range s.stuck { // this is news, too
			c.waiting = bytes.Buffer{}
			s.dismiss(c, lecture.ErrDoesNotRead)
		}
		s.stuck = s.stuck[:0]
	}
}

// tell sends the news to one client, after what waits for it. What the client
// does not take waits.
func (s *server) tell(c *client, news []byte) {
	switch {
	case c.broken != nil, c.dismissed:
	case c.waiting.Len() == 0 && len(news) > 0:
		n := s.send(c, news)
		c.waiting.Write(news[n:])
		s.waitFor(c)
	case c.waiting.Len() > 0:
		c.waiting.Write(news)
		full := c.key.Events&selectors.EventWrite != 0
		if !full || c.waiting.Len() > lecture.MaxWaiting {
			s.sendWaiting(c)
		}
		if c.waiting.Len() > lecture.MaxWaiting {
			s.stuck = append(s.stuck, c)
		}
	}
}

// A client has room again: send what waits for it, in one write.
func (s *server) sendWaiting(c *client) {
	if c.waiting.Len() > 0 {
		c.waiting.Next(s.send(c, c.waiting.Bytes()))
	}
	s.waitFor(c)
}

// send sends as much as a client has room for, and returns how much that was.
func (s *server) send(c *client, data []byte) int {
	n, err := c.sock.Send(data)
	if n > 0 {
		c.takeBy = never
	}
	if err != nil && err != socket.ErrWouldBlock {
		c.broken = err // it may have said something before it went
		c.waiting = bytes.Buffer{}
		return 0
	}
	return n
}

// The client has closed its side, or the connection broke. In the first case,
// the client may still want to hear what the others say.
func (s *server) hangUp(c *client, why error) {
	half := c.received.Rest()
	if why == io.EOF && c.broken != nil && c.broken != unix.EPIPE {
		why = c.broken // which Recv does not repeat
	}
	if why == io.EOF && len(half) == 0 {
		s.goOffline(c)
		s.waitFor(c)
		return
	}
	if why != io.EOF {
		c.broken = why
	}
	s.dismiss(c, framing.Ended(half, why))
}

// dismiss reports a client's fault, and closes its connection when it has heard
// what was said until now.
func (s *server) dismiss(c *client, why error) {
	s.complain(c, why)
	s.goOffline(c)
	c.dismissed = true
	s.waitFor(c)
}

// goOffline tells the others that a client says no more.
func (s *server) goOffline(c *client) {
	if !c.offline {
		c.offline, c.lineBy = true, never
		s.broadcast(c, fmt.Sprintf("Client (%s, %d) is offline\n",
			c.address.Addr(), c.address.Port()), nil)
	}
}

func main() {
	parser := argparse.New("chat server")
	t := parser.Seconds("t", time.Minute,
		"how long a client may take to finish a line, or to receive"+
			" (default %(default)s, 0: for ever)")
	address := lecture.ParseServerAddress(parser,
		socket.Address{Host: "", Port: 9009})
	socket.SetDefaultTimeout(*t)
	newServer(address).chatServer()
}
