// TsTservSS sends a line back with the time in front of it, and hangs up: a
// handler class says what to do with a client, and a server class does the
// rest.
//
// Source: Network Programming Using Python, THE SOCKETSERVER MODULE
//
// What to notice: the handler reads from RFile as from a file, and does not
// open, accept or close a socket. Nor is there a loop around accept: that is in
// ServeForever.
//
// A handler that cannot go on returns an error. The server reports it in one
// line and serves the next client.
//
// What to try: start tsTclntSS twice. The server has one client at a time, and
// a client is connected while you think about what to type.
//
// What Go changes: if the client sends no more, the original answers half a
// line, or even none.
package main

import (
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

type MyRequestHandler struct {
	socketserver.StreamRequestHandler
}

func (h *MyRequestHandler) Handle() error {
	program.Println("...connected from:", pyfmt.Addr(h.ClientAddress))
	line, err := lecture.ReadLine(h.RFile)
	if err == io.EOF {
		return nil // the client had nothing to say
	} else if err != nil {
		return err
	}
	answer := fmt.Appendf(nil, "[%s] %s", time.Now().Format(time.ANSIC), line)
	return h.Connection.SendAll(answer)
}

func main() {
	address := lecture.ParseServerCommandLine("timestamp server",
		socket.Address{Port: 21567})
	server, err := socketserver.New[
		socketserver.TCPServer, MyRequestHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, server.ServerAddress)
	program.Println("waiting for connection...")
	server.ServeForever()
}
