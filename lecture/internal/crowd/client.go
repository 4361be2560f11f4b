package crowd

import (
	"bytes"
	"io"
	"iter"
	"net/netip"
	"syscall"
	"time"

	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// A Client is what a Crowd remembers of one of its clients.
type Client struct {
	Addr     string // as Python prints it
	AddrPort netip.AddrPort
	Name     string // for the server: what stands before its messages
	Heard    int    // for the server: how much of the news it has
	Leave

	crowd     *Crowd
	sock      socket.Socket
	key       *selectors.Key
	row       int            // in crowd.clients
	received  framing.Framer // half a message
	sendQueue bytes.Buffer   // what it has not taken yet
	broken    error          // why it can be sent no more
	stuck     bool           // too much waits for it
	shutDown  bool           // it has heard that, and our side is shut down
	closed    bool
	drained   int       // bytes that came since
	msgBy     time.Time // deadline for the rest of a message
	takeBy    time.Time // for some of what waits
	closeBy   time.Time // for its side, when ours is shut down
}

var never time.Time

// Recv receives once, and yields each message that has become whole, with its
// end mark. A message is valid until the next one. If the server disconnects the
// client meanwhile, Recv yields no more.
//
// An error is the last thing that Recv yields. It is io.EOF if the client has
// closed its side between messages, and may still want to hear what the others
// say. Otherwise it says what the client has done wrong.
func (c *Client) Recv(end byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		data, err := c.recv()
		if err != nil {
			yield(nil, err)
			return
		} else if len(data) == 0 {
			return
		}
		c.received.Feed(data)
		for {
			msg, err := c.received.Next(end, "")
			if msg == nil && err == nil {
				break
			}
			c.msgBy = never
			if !yield(msg, err) || err != nil || c.Silent {
				return
			}
		}
		if len(c.received.Rest()) > 0 {
			c.startClock(&c.msgBy)
		}
	}
}

// Behind returns the bytes that have arrived after the message that Recv
// yields.
func (c *Client) Behind() []byte { return c.received.Behind() }

// recv returns what a client has sent, or nothing if the server no longer
// listens to that client.
func (c *Client) recv() ([]byte, error) {
	if c.closed {
		return nil, nil
	}
	n, err := c.sock.Recv(c.crowd.buffer[:])
	switch {
	case err == socket.ErrWouldBlock:
		return nil, nil
	case c.Silent:
		c.drain(n, err)
		return nil, nil
	case err != nil:
		return nil, c.hungUp(err)
	}
	return c.crowd.buffer[:n], nil
}

// hungUp returns the error of a client that has closed its side, or whose
// connection broke.
func (c *Client) hungUp(why error) error {
	if why == io.EOF && c.broken != nil && c.broken != syscall.EPIPE {
		why = c.broken // which Recv does not repeat
	}
	if why != io.EOF {
		c.broken = why
	}
	return framing.Ended(c.received.Rest(), why)
}

// Enqueue adds data to the send queue, and leaves it there until the next call
// of Write, SendQueued or Disconnect.
func (c *Client) Enqueue(data []byte) {
	if c.broken == nil {
		c.sendQueue.Write(data)
	}
}

// Write sends data after what waits for the client. What the client does not
// take now waits in its send queue, and leaves in one write when there is room.
// If data is empty, Write sends what Enqueue has added.
// A client for which more than lecture.MaxWaiting bytes would wait is stuck: see
// Crowd.Stuck. It takes no more.
func (c *Client) Write(data []byte) {
	switch {
	case c.broken != nil, c.Leaving, c.stuck:
		return
	case c.sendQueue.Len() == 0 && len(data) == 0:
		return
	case c.sendQueue.Len() == 0:
		n := c.send(data)
		if n == len(data) && c.broken == nil {
			return
		}
		c.sendQueue.Write(data[n:])
	default:
		c.sendQueue.Write(data)
		full := c.key.Events&selectors.EventWrite != 0 // poll will report room
		if !full || c.sendQueue.Len() > lecture.MaxWaiting {
			c.sendQueue.Next(c.send(c.sendQueue.Bytes()))
		}
	}
	if c.sendQueue.Len() > lecture.MaxWaiting {
		c.sendQueue = bytes.Buffer{}
		c.stuck = true
		c.crowd.stuck = append(c.crowd.stuck, c)
	}
	c.waitFor()
}

// SendQueued sends what waits, as far as there is room.
func (c *Client) SendQueued() {
	if c.sendQueue.Len() > 0 {
		c.sendQueue.Next(c.send(c.sendQueue.Bytes()))
	}
	c.waitFor()
}

// send sends as much as a client has room for, and returns how much that was.
// If the connection is broken, poll reports that, too.
func (c *Client) send(data []byte) int {
	n, err := c.sock.Send(data)
	if n > 0 {
		c.takeBy = never
	}
	if err != nil && err != socket.ErrWouldBlock {
		c.broken = err // it may have said something before it went
		c.sendQueue = bytes.Buffer{}
		return len(data)
	}
	return n
}

// Disconnect handles a client that sends no more, because of an error of Recv or
// Due, or because it is stuck: see Leave. It reports whether the client took part
// until now. When the client leaves, its connection closes as soon as it has
// taken what waits for it.
func (c *Client) Disconnect(why error) (tookPart bool) {
	c.msgBy = never
	tookPart = c.Leave.Disconnect(c.Addr, why)
	c.waitFor()
	return tookPart
}

// waitFor chooses the events to wait for, after something has changed for the
// client.
func (c *Client) waitFor() {
	if c.closed {
		return
	}
	if c.broken != nil && c.Silent {
		c.close() // it can neither say nor hear more
		return
	}
	var events selectors.Event
	if c.sendQueue.Len() > 0 {
		events = selectors.EventWrite
		c.startClock(&c.takeBy)
	} else {
		c.takeBy = never
		if c.sendQueue.Cap() > 4<<10 {
			c.sendQueue = bytes.Buffer{} // a small queue is kept
		}
		if c.Leaving && !c.shut() {
			return
		}
	}
	if !c.Silent || c.shutDown {
		events |= selectors.EventRead
	}
	c.crowd.selector.Modify(c.key, events)
}

// startClock sets a deadline, unless it is set already.
func (c *Client) startClock(deadline *time.Time) {
	if *deadline == never && socket.DefaultTimeout() > 0 {
		*deadline = time.Now().Add(socket.DefaultTimeout())
		c.crowd.timing = true
	}
}

// shut shuts down our side of a connection that has no more to send. We go on
// to read what the client still sends, because to close a socket with input
// unread would reset the connection, and a reset destroys what the client has
// not read yet. If there is no connection any more, shut closes the socket and
// returns false.
func (c *Client) shut() bool {
	if c.shutDown {
		return true
	}
	c.shutDown, c.closeBy = true, time.Now().Add(socket.Linger())
	c.crowd.draining++
	if c.sock.Shutdown() != nil {
		c.close()
	}
	return !c.closed
}

// drain discards more data from a client that the server no longer listens to.
func (c *Client) drain(n int, err error) {
	c.drained += n
	if err != nil || c.drained > socket.MaxLinger {
		c.close()
	}
}

// close closes a client's socket. The last client moves to its place.
func (c *Client) close() {
	p := c.crowd
	last := len(p.clients) - 1
	p.clients[c.row] = p.clients[last]
	p.clients[c.row].row = c.row
	p.clients[last] = nil
	p.clients = p.clients[:last]
	if c.shutDown {
		p.draining--
	}
	c.closed = true
	p.selector.Forget(c.key)
	c.sock.Close()
}

// lookAtClock returns an error if a client is late, or has to leave because the
// program has to stop. A client for which something waits may take it first.
func (c *Client) lookAtClock(stopBegins bool) error {
	waits, hurry := c.sendQueue.Len(), program.Hurrying().Err() != nil
	switch {
	case stopBegins && c.shutDown: // there is less time now
		c.closeBy = c.crowd.now.Add(socket.Linger())
	case c.crowd.stopping && !c.Leaving && (waits == 0 || c.crowd.StopHearing):
		return framing.Ended(c.received.Rest(), program.ErrStopped)
	case c.late(c.closeBy):
		c.close()
	case waits > 0 && hurry:
		c.sendQueue = bytes.Buffer{}
		return NotTaken(waits, program.ErrStopped)
	case c.late(c.takeBy):
		c.sendQueue = bytes.Buffer{}
		return NotTaken(waits, program.ErrTimedOut)
	case c.late(c.msgBy):
		return framing.Ended(c.received.Rest(), program.ErrTimedOut)
	}
	return nil
}

// late reports whether a deadline has passed.
func (c *Client) late(deadline time.Time) bool {
	c.crowd.timing = c.crowd.timing || deadline != never
	return deadline != never && c.crowd.now.After(deadline)
}
