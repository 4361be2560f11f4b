// Chat_server_asyncio passes each message on to all clients in callbacks: an
// event loop waits for all of them and calls a client's methods when something
// happens.
//
// Source: Learning Python Network Programming, chat_server_asyncio
//
// What to notice: there is no loop around poll, and no send queue. The event
// loop waits, and the transports have the queues. A callback must not wait,
// because all clients would wait with it.
//
// The listing is long because there is a method for each thing that can happen
// to a client.
//
// What to try: type half a message with telnet. The half waits in the client's
// object, and the others chat on.
//
// What Go changes: the messages that arrive in one turn of the loop go to each
// client in one write. The original writes each message to each transport
// separately. It queues without limit for a client that does not read, and a
// byte that is not UTF-8 ends its callback.
package main

import (
	"io"
	"slices"

	"fopnp/internal/py/asyncio"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/tincanchat"
)

var (
	loop    = asyncio.NewEventLoop()
	clients []*ChatServerProtocol
	news    []byte // what this turn of the loop has brought
)

// A ChatServerProtocol is a client and the connection to it.
type ChatServerProtocol struct {
	transport *asyncio.Transport
	addr      string
	rest      tincanchat.TimedFramer // half a message
	tincanchat.Leave
}

func (c *ChatServerProtocol) ConnectionMade(transport *asyncio.Transport) {
	sendNews() // a new client does not hear earlier messages
	c.transport = transport
	c.transport.SetTimeout(0) // silence is no fault
	c.transport.SetWriteTimeout(socket.DefaultTimeout())
	c.addr = pyfmt.AddrPort(transport.PeerName())
	clients = append(clients, c)
	program.Printf("Connection from %s\n", c.addr)
}

func (c *ChatServerProtocol) DataReceived(data []byte) {
	msgs, err := c.rest.ParseRecvdData(data, loop, c.disconnect)
	for _, msg := range msgs {
		msg = c.addr + ": " + msg
		tincanchat.PrintMsg(msg)
		broadcastMsg(msg)
	}
	if err != nil {
		c.disconnect(err)
	}
}

// EOFReceived lets a client that sends no more hear the others.
func (c *ChatServerProtocol) EOFReceived() bool {
	c.disconnect(c.rest.Lost(io.EOF))
	return !c.Leaving
}

func (c *ChatServerProtocol) ConnectionLost(err error) {
	c.disconnect(c.rest.Lost(err))
	i := slices.Index(clients, c)
	clients = slices.Delete(clients, i, i+1)
}

// disconnect handles a client that sends no more. The client must still hear
// what was said before.
func (c *ChatServerProtocol) disconnect(why error) {
	sendNews()
	c.Disconnect(c.addr, why)
	c.rest.Forget()
	if c.Leaving {
		c.transport.Close()
	}
}

// broadcastMsg adds a message to the news.
func broadcastMsg(msg string) {
	if len(news) == 0 {
		loop.CallSoon(sendNews) // when the loop has served all clients
	}
	news = append(news, tincanchat.PrepMsg(msg)...)
	if len(news) > 64<<10 {
		sendNews() // or a client that does read could seem stuck
	}
}

// sendNews sends the news to all clients, in one write for each.
func sendNews() {
	if len(news) == 0 {
		return
	}
	said := news
	news = news[:0]
	for _, c := range clients {
		c.transport.Write(said)
		if c.transport.WriteBufferSize() > lecture.MaxWaiting {
			c.transport.Abort()
			c.disconnect(lecture.ErrDoesNotRead)
		}
	}
}

func main() {
	address := tincanchat.ParseCommandLine("chat server using asyncio")
	if err := loop.Err(); err != nil {
		program.Fail("event loop", err)
	}
	listenSock := tincanchat.CreateListenSocket(address)
	loop.CreateServer(func() asyncio.Protocol {
		return &ChatServerProtocol{}
	}, listenSock)
	if err := loop.RunForever(); err != nil {
		program.Fail("event loop", err)
	}
}
