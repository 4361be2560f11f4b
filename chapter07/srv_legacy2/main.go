// Srv_legacy2 answers Zen questions with asyncore's async_chat: the program
// sets a terminator, asyncore calls the handler when it finds one, and the
// handler never has to look for the end of a question.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/srv_legacy2.py
//
// What to notice: this is srv_asyncio1 with the framing in the framework. The
// framework strips the terminator, so the handler has to put the question mark
// back.
//
// What to try: send a question in two halves. CollectIncomingData is called
// twice, FoundTerminator once.
//
// What Go changes: Python 3.12 removed asyncore, so the original no longer
// starts. Here its classes rest on asyncio's loop, with poll. The server
// reports a fault in one line on stderr; the original is silent.
package main

import (
	"bytes"
	"io"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/asyncore"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
)

// ZenRequestHandler is one conversation.
type ZenRequestHandler struct {
	*asyncore.AsyncChat
	data    []byte // half a question
	failure error  // the client's, because of which we hung up
}

func handleAccepted(chat *asyncore.AsyncChat) asyncore.Handler {
	chat.SetTerminator('?')
	return &ZenRequestHandler{AsyncChat: chat}
}

func (z *ZenRequestHandler) CollectIncomingData(moreData []byte) {
	if len(z.data) == 0 {
		moreData = bytes.TrimLeft(moreData, framing.Blanks)
	}
	if z.failure == nil {
		z.data = append(z.data, moreData...)
	}
	if len(z.data) > framing.MaxMessage {
		z.failure = framing.TooLong(z.data, '?', framing.MaxMessage)
		z.data = nil
		z.CloseWhenDone()
	}
}

func (z *ZenRequestHandler) FoundTerminator() {
	if z.failure == nil {
		z.Push(zen_utils.GetAnswer(append(z.data, '?')))
		z.data = z.data[:0]
	}
}

func (z *ZenRequestHandler) HandleClose() {
	if z.failure != nil {
		z.HandleError(z.failure)
	} else if len(z.data) > 0 {
		z.HandleError(io.EOF)
	}
}

func (z *ZenRequestHandler) HandleError(err error) {
	program.Complain("client "+pyfmt.AddrPort(z.Addr()),
		framing.Ended(z.data, err))
}

func main() {
	address := zen_utils.ParseCommandLine(`legacy "asyncore" server`)
	listener := zen_utils.CreateSrvSocket(address)
	loop := asyncore.NewLoop()
	loop.Dispatch(listener, handleAccepted)
	if err := loop.Run(); err != nil {
		program.Fail("event loop", err)
	}
}
