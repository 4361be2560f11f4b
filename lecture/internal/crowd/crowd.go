// Package crowd is the engine of a chat server that serves all clients from one
// thread. A Crowd says which client can be served next, and closes a connection
// without a reset. A Client has deadlines, and a send queue, which is sent as
// far as there is room. What the clients say, and who has to hear it, is up to
// the server.
//
// After New and Listen, a server calls Wait, Next until there is no event, and Due, over and over:
//
//	for clients.Wait() {
//		for c, event := clients.Next(); event != 0; c, event = clients.Next() {
//			// c == nil: Accept. EventWrite: SendQueued. EventRead: Recv.
//		}
//		for c, why := range clients.Due() {
//			c.Disconnect(why)
//		}
//	}
//
// Nothing here is safe for use by several goroutines.
package crowd

import (
	"iter"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// A Crowd waits for all clients of a server at once, with poll(2), and knows how
// long each of them may take. No call waits except Wait.
type Crowd struct {
	// StopHearing is how the server stops. When the program has to stop, a client
	// may still take what waits for it. If StopHearing is true, Due yields the
	// client before that, and the server no longer listens to it. If not, the
	// client goes on chatting until then, and Due yields it afterwards.
	StopHearing bool

	selector    selectors.Selector
	listener    socket.Socket
	newClients  *selectors.Key // that the listener waits for
	stop        *selectors.Key
	clients     []*Client
	stuck       []*Client // too much waits for them
	backoff     socket.Backoff
	acceptAgain time.Time // after accept has failed; otherwise never
	now         time.Time // when this turn of the loop began
	looked      time.Time // when we last looked at the deadlines
	timing      bool      // there is a deadline
	draining    int       // clients whose connections are shut down
	stopping    bool
	buffer      [16 << 10]byte // every client's messages arrive here
}

// New returns a Crowd without clients. If the system has no poll(2), the program
// ends with status 1 and a line that says so. So call New before the server
// announces where it listens.
func New() *Crowd {
	p := &Crowd{}
	var err error
	if p.selector, err = selectors.NewPoll(); err != nil {
		program.Fail("poll", err)
	}
	stop, err := socket.Stopping()
	if err != nil {
		program.Fail("pipe", err)
	}
	p.stop = p.register(stop, nil)
	return p
}

// Listen makes the Crowd wait for clients that come to listener, which Listen
// closes. Call it once, before Wait.
func (p *Crowd) Listen(listener *socket.Listener) {
	var err error
	if p.listener, err = listener.Detach(); err != nil {
		program.Fail("listen", err)
	}
	p.newClients = p.register(p.listener, nil)
}

func (p *Crowd) register(sock socket.Socket, c *Client) *selectors.Key {
	key, _ := p.selector.Register(sock.Fileno(), selectors.EventRead, c)
	return key // poll(2) does not refuse a descriptor
}

// Wait waits until a client can be served, and reports whether the server goes
// on. It does until the program has to stop and the last client has gone.
func (p *Crowd) Wait() bool {
	if p.stopping && len(p.clients) == 0 {
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
func (p *Crowd) Next() (*Client, selectors.Event) {
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
func (p *Crowd) Accept() *Client {
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
	c := &Client{
		Addr: pyfmt.AddrPort(address), AddrPort: address, crowd: p, sock: sock}
	c.key, c.row = p.register(sock, c), len(p.clients)
	p.clients = append(p.clients, c)
	return c
}

// All yields all clients. During the loop, only the client just yielded may go.
func (p *Crowd) All() iter.Seq[*Client] {
	return func(yield func(*Client) bool) {
		for row := len(p.clients) - 1; row >= 0; row-- { // a later one may move here
			if !yield(p.clients[row]) {
				return
			}
		}
	}
}

// Stuck yields the clients for which too much waits. The server has to
// disconnect them with lecture.ErrDoesNotRead. Due yields them as well, so a
// server calls Stuck only if it cannot wait for that.
func (p *Crowd) Stuck() iter.Seq[*Client] {
	return func(yield func(*Client) bool) {
		for i := 0; i < len(p.stuck); i++ { // more may become stuck
			yield(p.stuck[i])
		}
		p.stuck = p.stuck[:0]
	}
}

// Stopping reports whether Due has asked all clients to go because the program
// has to stop.
func (p *Crowd) Stopping() bool { return p.stopping }

// Due yields the clients that have to go, and why: too much waits for them, they
// are late, or the program has to stop. Call it in every turn of the loop, and
// do not leave its loop early.
func (p *Crowd) Due() iter.Seq2[*Client, error] {
	return func(yield func(*Client, error) bool) {
		for c := range p.Stuck() {
			yield(c, lecture.ErrDoesNotRead)
		}
		begins := program.Stopping().Err() != nil && !p.stopping
		switch {
		case begins:
			p.stopListening()
		case p.acceptAgain != never && !p.now.Before(p.acceptAgain):
			p.acceptAgain = never
			if !p.stopping {
				p.selector.Modify(p.newClients, selectors.EventRead)
			}
		}
		if !begins && p.now.Sub(p.looked) < p.interval() {
			return
		}
		p.looked, p.timing = p.now, false
		for c := range p.All() {
			if why := c.lookAtClock(begins); why != nil {
				yield(c, why)
			}
		}
	}
}

func (p *Crowd) stopListening() {
	p.stopping = true
	p.selector.Forget(p.newClients)
	p.listener.Close()
	p.selector.Unregister(p.stop)
}

// interval is how often we look at the deadlines. To look at all of them once
// in a while is cheaper than to keep them in order.
func (p *Crowd) interval() time.Duration {
	if p.stopping || p.draining > 0 {
		return 50 * time.Millisecond
	}
	return socket.Tick(socket.DefaultTimeout())
}

// patience is how long poll may wait. Less than 0 is for ever.
func (p *Crowd) patience() time.Duration {
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
