// Srv_asyncio2 answers Zen questions in coroutines: each conversation is a loop
// that reads from top to bottom and is suspended whenever it waits, while one
// event loop waits for them all.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/srv_asyncio2.py
//
// What to notice: Read looks as if it blocked. It does, but only this
// conversation. Meanwhile the event loop of srv_asyncio1 runs and resumes
// others.
//
// What to try: compare handleConversation with the callbacks of srv_asyncio1.
//
// What Go changes: where the original says "yield from", iter.Pull suspends the
// coroutine. Only the names Read and Drain show where that can happen.
package main

import (
	"io"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/asyncio"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
)

// answers belong to the one conversation that is not suspended.
var answers []byte

func handleConversation(
	reader *asyncio.StreamReader, writer *asyncio.StreamWriter,
) {
	// Printed on the loop's stack. Ours would grow to twice its size, and stay
	// that large as long as the client is connected.
	writer.Loop().CallSoon(func() {
		program.Printf("Accepted connection from %s\n",
			pyfmt.AddrPort(writer.PeerName()))
	})
	var received framing.Framer
	var err error
	for err == nil {
		var data []byte
		if data, err = reader.Read(); err != nil {
			break
		}
		answers = answers[:0]
		for aphorism := range received.Messages(data, '?', framing.Blanks) {
			answers = append(answers, zen_utils.GetAnswer(aphorism)...)
		}
		writer.Write(answers)
		writer.Drain()
		err = received.Err()
	}
	address, half := pyfmt.AddrPort(writer.PeerName()), received.Rest()
	ended := framing.Ended(half, err)
	switch {
	case ended == io.EOF:
		program.Printf("Client %s closed socket normally\n", address)
	case err == io.EOF:
		program.Printf("Client %s sent %s but then closed\n",
			address, pyfmt.Bytes(half))
	default:
		program.Printf("Client %s error: %v\n", address, ended)
	}
}

func main() {
	address := zen_utils.ParseCommandLine("asyncio server using coroutine")
	listener := zen_utils.CreateSrvSocket(address)
	loop := asyncio.NewEventLoop()
	loop.StartServer(handleConversation, listener)
	if err := loop.RunForever(); err != nil {
		program.Fail("event loop", err)
	}
}
