// Package asyncore holds the two classes of Python's asyncore and asynchat that
// a server is made of: a dispatcher, which accepts, and async_chat, which cuts
// what it receives at a terminator and calls its handler with the pieces.
//
// The modules are gone from Python since 3.12. Their loop is here package
// asyncio's, resting on poll as theirs did: what set them apart was never the
// loop, but how they call a program's own code.
//
// Source: https://docs.python.org/3.11/library/asyncore.html and
// https://docs.python.org/3.11/library/asynchat.html
package asyncore

import (
	"bytes"
	"net/netip"
	"time"

	"fopnp/internal/py/asyncio"
	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
)

// A Handler is what an AsyncChat's callbacks are called on.
type Handler interface {
	// CollectIncomingData hands over bytes, less the terminator. They are
	// the handler's only until it returns.
	CollectIncomingData(data []byte)

	// FoundTerminator says that what was collected is whole.
	FoundTerminator()

	// HandleClose says that the connection is closed, by either side.
	HandleClose()

	// HandleError says that the connection broke and is closed, and why.
	HandleError(err error)
}

// A Loop serves every Dispatcher that was made for it.
type Loop struct{ loop *asyncio.Loop }

// NewLoop returns a loop that rests on poll.
func NewLoop() *Loop {
	return &Loop{asyncio.NewSelectorEventLoop(selectors.NewPoll())}
}

// Run serves until the program is asked to stop: see asyncio.Loop.RunForever.
func (l *Loop) Run() error { return l.loop.RunForever() }

// Dispatch accepts clients from listener, which from here on is the loop's.
// It calls handleAccepted with each, for a handler of what the client sends.
func (l *Loop) Dispatch(listener *socket.Listener, handleAccepted func(*AsyncChat) Handler) {
	l.loop.CreateServer(func() asyncio.Protocol {
		return &protocol{handleAccepted: handleAccepted}
	}, listener)
}

// An AsyncChat is one connection.
type AsyncChat struct {
	transport  *asyncio.Transport
	terminator byte
	pushed     []byte // by the handler, while it is being called
}

// SetTerminator sets the byte at which what is received is cut.
func (c *AsyncChat) SetTerminator(terminator byte) { c.terminator = terminator }

// Push sends data: together with all else that the handler pushes, when it has
// been called with everything that came.
func (c *AsyncChat) Push(data string) { c.pushed = append(c.pushed, data...) }

// CloseWhenDone closes the connection when all that was pushed has been sent.
func (c *AsyncChat) CloseWhenDone() {
	c.initiateSend()
	c.transport.Close()
}

// SetTimeout breaks the connection when nothing resets the time of timeout:
// see asyncio.Transport.SetTimeout.
func (c *AsyncChat) SetTimeout(timeout time.Duration) { c.transport.SetTimeout(timeout) }

// Addr returns the address of the other side.
func (c *AsyncChat) Addr() netip.AddrPort { return c.transport.PeerName() }

func (c *AsyncChat) initiateSend() {
	c.transport.Write(c.pushed)
	c.pushed = c.pushed[:0]
}

// A protocol is an AsyncChat as the loop sees it, with its handler.
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

// A client that does not take what is sent is not read from.
func (p *protocol) PauseWriting()  { p.transport.PauseReading() }
func (p *protocol) ResumeWriting() { p.transport.ResumeReading() }

func (p *protocol) ConnectionLost(err error) {
	if err != nil {
		p.handler.HandleError(err)
	} else {
		p.handler.HandleClose()
	}
}
