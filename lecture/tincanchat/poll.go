package tincanchat

import (
	"bytes"
	"io"
	"iter"
	"slices"
	"syscall"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// A Poll waits for all clients of a server at once, with poll(2), and knows how
// long each of them may take. No call waits except Wait.
type Poll struct {
	Clients []*Client

	selector    selectors.Selector
	listener    socket.Socket
	newClients  *selectors.Key // that the listener waits for
	stop        *selectors.Key
	backoff     socket.Backoff
	acceptAgain time.Time // if accept has failed
	now         time.Time // when this turn of the loop began
	looked      time.Time // when we last looked at the deadlines
	timing      bool      // there is a deadline
	draining    int       // clients whose connections are shut down
	stopping    bool
	stuck       []*Client      // too much waits for them
	buffer      [16 << 10]byte // every client's messages arrive here
}

// A Client is what a Poll remembers of one of them.
type Client struct {
	Addr string // as Python prints it
	Leave

	poll      *Poll
	sock      socket.Socket
	key       *selectors.Key
	row       int            // in poll.Clients
	rest      framing.Framer // half a message
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

// NewPoll returns a Poll that waits for clients of listener. If the system has
// no poll(2), the program ends with status 1 and a line that says so.
func NewPoll(listener *socket.Listener) *Poll {
	p := &Poll{}
	var err error
	if p.selector, err = selectors.NewPoll(); err != nil {
		program.Fail("poll", err)
	}
	if p.listener, err = listener.Detach(); err != nil {
		program.Fail("listen", err)
	}
	stop, err := socket.Stopping()
	if err != nil {
		program.Fail("pipe", err)
	}
	p.newClients = p.register(p.listener, nil)
	p.stop = p.register(stop, nil)
	return p
}

func (p *Poll) register(sock socket.Socket, c *Client) *selectors.Key {
	key, _ := p.selector.Register(sock.Fileno(), selectors.EventRead, c)
	return key // poll(2) does not refuse a descriptor
}

// Wait waits until a client can be served, and reports whether the server goes
// on. It does until the program has to stop and the last client has gone.
func (p *Poll) Wait() bool {
	if p.stopping && len(p.Clients) == 0 {
		return false
	}
	if err := p.selector.Select(p.patience()); err != nil {
		program.Fail("poll", err)
	}
	p.now = time.Now()
	return true
}

// Next returns the next client that has said something (EventRead), or that has
// room again (EventWrite). A nil client with EventRead stands for new clients.
// After the last one, there are no events.
func (p *Poll) Next() (*Client, selectors.Event) {
	for {
		key, events := p.selector.Next()
		if key == nil {
			return nil, 0
		}
		if key != p.stop {
			return key.Data.(*Client), events
		}
	}
}

// Accept returns the next new client, or nil if no more have come.
func (p *Poll) Accept() *Client {
	sock, address, err := p.listener.Accept()
	switch {
	case err == socket.ErrWouldBlock:
		return nil
	case err != nil: // poll cannot wait for a free descriptor
		p.selector.Modify(p.newClients, 0)
		p.acceptAgain = time.Now().Add(p.backoff.Failed("accept", err))
		return nil
	}
	p.backoff.Succeeded()
	c := &Client{Addr: pyfmt.AddrPort(address), poll: p, sock: sock}
	c.key, c.row = p.register(sock, c), len(p.Clients)
	p.Clients = append(p.Clients, c)
	return c
}

// Recv returns the messages that have become whole. There can be messages and
// an error: then they came before it. The error is io.EOF if the client has
// closed its side between messages, and may still want to hear what the others
// say. Otherwise it says what the client has done wrong.
func (c *Client) Recv() ([]string, error) {
	if c.closed {
		return nil, nil
	}
	n, err := c.sock.Recv(c.poll.buffer[:])
	switch {
	case err == socket.ErrWouldBlock:
		return nil, nil
	case c.Silent:
		c.drain(n, err)
		return nil, nil
	case err != nil:
		return nil, c.hungUp(err)
	}
	msgs, err := ParseRecvdData(&c.rest, c.poll.buffer[:n])
	if len(msgs) > 0 {
		c.msgBy = never
	}
	if len(c.rest.Rest()) > 0 {
		c.startClock(&c.msgBy)
	}
	return msgs, err
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
	return framing.Ended(c.rest.Rest(), why)
}

// Write sends data after what waits for the client. What the client does not
// take now waits in its send queue, and leaves in one write when there is room.
// A client for which too much would wait is due: see Due.
func (c *Client) Write(data []byte) {
	switch {
	case c.broken != nil, c.Leaving, c.stuck:
		return
	case c.sendQueue.Len() == 0:
		n := c.send(data)
		if n == len(data) {
			return
		}
		data = data[n:]
	case c.sendQueue.Len()+len(data) > lecture.MaxWaiting:
		c.sendQueue.Next(c.send(c.sendQueue.Bytes()))
	}
	c.sendQueue.Write(data)
	if c.sendQueue.Len() > lecture.MaxWaiting {
		c.sendQueue = bytes.Buffer{}
		c.stuck = true
		c.poll.stuck = append(c.poll.stuck, c)
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

// Disconnect is for a client that says no more, because of an error of Recv
// or Due: see Leave. When the client leaves, its connection closes as soon as
// it has taken what waits for it.
func (c *Client) Disconnect(why error) {
	c.msgBy = never
	c.Leave.Disconnect(c.Addr, why)
	c.waitFor()
}

// waitFor decides what to wait for after a step of a client's.
func (c *Client) waitFor() {
	if c.closed {
		return
	}
	if c.broken != nil && c.Silent {
		c.close()
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
	c.poll.selector.Modify(c.key, events)
}

// startClock sets a deadline, unless it is set already.
func (c *Client) startClock(deadline *time.Time) {
	if *deadline == never && socket.DefaultTimeout() > 0 {
		*deadline = time.Now().Add(socket.DefaultTimeout())
		c.poll.timing = true
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
	c.poll.draining++
	if c.sock.Shutdown() != nil {
		c.close()
	}
	return !c.closed
}

// drain discards more from a client that is no longer heard.
func (c *Client) drain(n int, err error) {
	c.drained += n
	if err != nil || c.drained > socket.MaxLinger {
		c.close()
	}
}

// close closes a client's socket. The last client moves to its place.
func (c *Client) close() {
	p := c.poll
	last := len(p.Clients) - 1
	p.Clients[c.row] = p.Clients[last]
	p.Clients[c.row].row = c.row
	p.Clients[last] = nil
	p.Clients = p.Clients[:last]
	if c.shutDown {
		p.draining--
	}
	c.closed = true
	p.selector.Forget(c.key)
	c.sock.Close()
}

// Due returns the clients that have to go: too much waits for them, they are
// late, or the program has to stop. Call it in every turn of the loop.
func (p *Poll) Due() iter.Seq2[*Client, error] {
	return func(yield func(*Client, error) bool) {
		for _, c := range p.stuck {
			yield(c, lecture.ErrDoesNotRead)
		}
		p.stuck = p.stuck[:0]
		begins := program.Stopping().Err() != nil && !p.stopping
		switch {
		case begins:
			p.stopListening()
		case p.acceptAgain != never && p.now.After(p.acceptAgain):
			p.acceptAgain = never
			if !p.stopping {
				p.selector.Modify(p.newClients, selectors.EventRead)
			}
		}
		if !begins && p.now.Sub(p.looked) < p.interval() {
			return
		}
		p.looked, p.timing = p.now, false
		for _, c := range slices.Backward(p.Clients) { // c may go
			if why := c.lookAtClock(begins); why != nil {
				yield(c, why)
			}
		}
	}
}

func (p *Poll) stopListening() {
	p.stopping = true
	p.selector.Forget(p.newClients)
	p.listener.Close()
	p.selector.Unregister(p.stop)
}

// lookAtClock returns an error if a client is late, or has to leave because the
// program has to stop. A client that has to take something may do that first.
func (c *Client) lookAtClock(stopBegins bool) error {
	waits, hurry := c.sendQueue.Len(), program.Hurrying().Err() != nil
	switch {
	case stopBegins && c.shutDown: // there is less time now
		c.closeBy = c.poll.now.Add(socket.Linger())
	case c.poll.stopping && !c.Leaving && waits == 0:
		return framing.Ended(c.rest.Rest(), program.ErrStopped)
	case c.late(c.closeBy):
		c.close()
	case waits > 0 && hurry:
		c.sendQueue = bytes.Buffer{}
		return NotTaken(waits, program.ErrStopped)
	case c.late(c.takeBy):
		c.sendQueue = bytes.Buffer{}
		return NotTaken(waits, program.ErrTimedOut)
	case c.late(c.msgBy):
		return framing.Ended(c.rest.Rest(), program.ErrTimedOut)
	}
	return nil
}

// late reports whether a deadline is over.
func (c *Client) late(deadline time.Time) bool {
	c.poll.timing = c.poll.timing || deadline != never
	return deadline != never && c.poll.now.After(deadline)
}

// interval is how often we look at the deadlines. To look at all of them once
// in a while is cheaper than to keep them in order.
func (p *Poll) interval() time.Duration {
	if p.stopping || p.draining > 0 {
		return 50 * time.Millisecond
	}
	return socket.Tick(socket.DefaultTimeout())
}

// patience is how long poll may wait. Less than 0 is for ever.
func (p *Poll) patience() time.Duration {
	wait := p.interval()
	switch {
	case p.stopping, p.draining > 0:
	case p.acceptAgain != never:
		wait = min(wait, time.Until(p.acceptAgain))
	case !p.timing:
		return -1
	}
	return max(wait, 0)
}
