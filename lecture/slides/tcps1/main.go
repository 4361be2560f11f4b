// Tcps1 answers lines in upper case, as tcpserv1 does: the server class accepts
// a client, and the handler is called with the connection, until the session
// ends.
//
// Source: Network Programming Using Python, TCP UPPER-CASE SOCKETSERVER
//
// What to notice: over TCP a request is a whole session, and the socket is the
// client's. Until the handler returns, everybody else waits.
//
// What to try: have Handle do something else than HandleConversation does, and
// the server does something else. Instead of tcpc1, try telnet.
package main

import (
	"fmt"

	"fopnp/internal/py/socket"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
	"fopnp/lecture/slides"
)

type UCHandler struct {
	socketserver.BaseRequestHandler
}

func (h *UCHandler) Handle() error {
	slides.HandleConversation(h.Connection, h.ClientAddress)
	return nil
}

func main() {
	address := slides.ParseServerCommandLine("upper-case server",
		socket.Address{Host: "127.0.0.1", Port: 2345})
	myserver, err := socketserver.New[socketserver.TCPServer, UCHandler](
		address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	slides.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
