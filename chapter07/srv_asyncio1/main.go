// Srv_asyncio1 answers Zen questions in callbacks: an event loop waits for all
// clients at once and calls a conversation's methods when something happens.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/srv_asyncio1.py
//
// What to notice: of everything that srv_async does by hand, only the lesson is
// left. But a conversation is no longer a loop that you can read from top to
// bottom. It is taken apart into the events that can happen to it.
//
// What to try: ask half a question with telnet, and the rest later. The first
// half waits in the object.
//
// What Go changes: the loop is our own, modelled on Python's. If a client does
// not read its answers, the server stops reading from it until it does
// (PauseWriting). The original keeps answers for it without bound.
package main

import (
	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/asyncio"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
)

// ZenServer is one conversation.
type ZenServer struct {
	transport *asyncio.Transport
	address   string
	received  framing.Framer
}

// answers belong to the conversation that is being called.
var answers []byte

func (z *ZenServer) ConnectionMade(transport *asyncio.Transport) {
	z.transport = transport
	z.address = pyfmt.AddrPort(transport.PeerName())
	program.Printf("Accepted connection from %s\n", z.address)
}

func (z *ZenServer) DataReceived(data []byte) {
	answers = answers[:0]
	for aphorism := range z.received.Messages(data, '?', framing.Blanks) {
		answers = append(answers, zen_utils.GetAnswer(aphorism)...)
	}
	z.transport.Write(answers)
	if z.received.Err() != nil {
		z.transport.Close()
	}
}

func (z *ZenServer) PauseWriting()  { z.transport.PauseReading() }
func (z *ZenServer) ResumeWriting() { z.transport.ResumeReading() }

func (z *ZenServer) ConnectionLost(err error) {
	half := z.received.Rest()
	if err == nil {
		err = z.received.Err()
	}
	switch {
	case err != nil:
		program.Printf("Client %s error: %v\n",
			z.address, framing.Ended(half, err))
	case len(half) > 0:
		program.Printf("Client %s sent %s but then closed\n",
			z.address, pyfmt.Bytes(half))
	default:
		program.Printf("Client %s closed socket\n", z.address)
	}
}

func main() {
	address := zen_utils.ParseCommandLine("asyncio server using callbacks")
	listener := zen_utils.CreateSrvSocket(address)
	loop := asyncio.NewEventLoop()
	loop.CreateServer(func() asyncio.Protocol { return &ZenServer{} }, listener)
	if err := loop.RunForever(); err != nil {
		program.Fail("event loop", err)
	}
}
