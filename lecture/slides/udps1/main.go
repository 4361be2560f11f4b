// Udps1 sends every datagram back in upper case, as udpserv1 does, but here a
// server class receives it and calls a handler with the data and the socket.
//
// Source: Network Programming Using Python, UDP UPPER-CASE SOCKETSERVER
//
// What to notice: over UDP, a request is a datagram, and the socket is the
// server's own. There is no other, so the answer goes through it and needs an
// address.
//
// What to try: make Handle do something else, and the server does something
// else.
//
// What Go changes: the slide notes that this server never terminates. Here
// Ctrl-C stops it cleanly. If a datagram is longer than 8192 bytes, the rest is
// lost, as in the original, but a line on stderr says so.
package main

import (
	"fmt"

	"fopnp/internal/py/argparse"
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
	request := h.Request.(*socketserver.Datagram)
	slides.HandleDatagram(request.Packet, request.Socket, h.ClientAddress)
	return nil
}

func main() {
	parser := argparse.New("upper-case server")
	address := lecture.ParseServerAddress(parser,
		socket.Address{Host: "127.0.0.1", Port: 2345})
	myserver, err := socketserver.New[socketserver.UDPServer, UCHandler](
		address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
