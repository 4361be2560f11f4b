// Tcps1 sends each line back in upper case, as tcpserv1 does, but here a server
// class accepts each client and calls a handler with the connection.
//
// Source: Network Programming Using Python, TCP UPPER-CASE SOCKETSERVER
//
// What to notice: over TCP, a request is a whole session, and the socket is the
// client's own. Until the handler returns, all other clients wait.
//
// What to try: make Handle do something else, and the server does something
// else. Use telnet instead of tcpc1.
package main

import (
	"fmt"

	"fopnp/internal/py/socket"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
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
	address := lecture.ParseServerCommandLine("upper-case server",
		socket.Address{Host: "127.0.0.1", Port: 2345})
	myserver, err := socketserver.New[socketserver.TCPServer, UCHandler](
		address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
