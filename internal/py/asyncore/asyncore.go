// Package asyncore has the two classes of Python's modules asyncore and
// asynchat that a server needs: a dispatcher, which accepts clients, and
// async_chat, which splits what it receives at a terminator and calls its
// handler with the pieces.
//
// Python 3.12 removed both modules. Here the loop of package asyncio, waiting
// with poll, replaces theirs. What sets the modules apart is not the loop but
// how they call a program's own code.
//
// Source: https://docs.python.org/3.11/library/asyncore.html and
// https://docs.python.org/3.11/library/asynchat.html
package asyncore

import (
	"bytes"
	"net/netip"

	"fopnp/internal/py/asyncio"
	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
)

// A Handler gets the callbacks of one AsyncChat.
type Handler interface {
	// CollectIncomingData hands over received bytes without the terminator.
	// They are valid until CollectIncomingData returns.
	CollectIncomingData(data []byte)

	// FoundTerminator is called when the terminator has been received, so
	// the bytes collected since the last one are a whole message.
	FoundTerminator()

	// HandleClose is called when either side has closed the connection.
	HandleClose()

	// HandleError is called when the connection broke. err says why.
	HandleError(err error)
}

// A Loop serves the clients of every listener that was passed to Dispatch.
type Loop struct{ loop *asyncio.Loop }

// NewLoop returns a loop that waits with poll. If the system has none, Run
// returns the error.
func NewLoop() *Loop {
	return &Loop{asyncio.NewSelectorEventLoop(selectors.NewPoll())}
}

// Run serves until the program has to stop. It ends, and fails, as
// asyncio.Loop.RunForever does.
func (l *Loop) Run() error { return l.loop.RunForever() }

// Dispatch makes the loop accept clients from listener, which then belongs to
// the loop. It calls handleAccepted for each client, which returns the handler
// for what the client sends. If Dispatch fails, Run returns the error.
func (l *Loop) Dispatch(listener *socket.Listener, handleAccepted func(*AsyncChat) Handler) {
	l.loop.CreateServer(func() asyncio.Protocol {
		return &protocol{handleAccepted: handleAccepted}
	}, listener)
}

// An AsyncChat is one connection.
type AsyncChat struct {
	transport  *asyncio.Transport
	terminator byte
	pushed     []byte // by the handler, not yet passed to the transport
}

// SetTerminator sets the byte that ends a message.
func (c *AsyncChat) SetTerminator(terminator byte) { c.terminator = terminator }

// Push queues data. It is sent, together with everything else that the handler
// pushes, when the handler has been called for all that was received.
func (c *AsyncChat) Push(data string) { c.pushed = append(c.pushed, data...) }

// CloseWhenDone closes the connection when everything pushed so far has been
// sent. What is pushed later is lost.
func (c *AsyncChat) CloseWhenDone() {
	c.initiateSend()
	c.transport.Close()
}

// Addr returns the address of the peer.
func (c *AsyncChat) Addr() netip.AddrPort { return c.transport.PeerName() }

func (c *AsyncChat) initiateSend() {
	c.transport.Write(c.pushed)
	c.pushed = c.pushed[:0]
}

// A protocol is an AsyncChat and its handler, as the loop sees them.
type protocol struct {
	AsyncChat
	handleAccepted func(*AsyncChat) Handler
	handler        Handler
}

func (p *protocol) ConnectionMade(transport *asyncio.Transport) {
	p.transport = transport
	p.handler = p.handleAccepted(&p.AsyncChat)
}

func (p *protocol) DataReceived(data []byte) {
	for {
		i := bytes.IndexByte(data, p.terminator)
		if i < 0 {
			break
		}
		p.handler.CollectIncomingData(data[:i])
		p.handler.FoundTerminator()
		data = data[i+1:]
	}
	if len(data) > 0 {
		p.handler.CollectIncomingData(data)
	}
	p.initiateSend()
}

// PauseWriting stops reading from a client that does not take what is sent.
func (p *protocol) PauseWriting()  { p.transport.PauseReading() }
func (p *protocol) ResumeWriting() { p.transport.ResumeReading() }

func (p *protocol) ConnectionLost(err error) {
	if err != nil {
		p.handler.HandleError(err)
	} else {
		p.handler.HandleClose()
	}
}
