// Daytime sends a line like a NIST time server's to each client that connects,
// and hangs up: a handler class says what to send, and ThreadingTCPServer does
// the rest.
//
// Source: Lecture 23, 16.3 Basic Network Services. The lecture has the client,
// gettime, and asks a NIST server. Daytime answers gettime without a network.
//
// What to notice: we write only the handler. The server class listens, creates
// a socket for each client, and closes it when Handle ends.
//
// The server prints nothing about its clients. Timeserv of the slides, which
// has a loop around accept, prints a line for each.
//
// What to try: start it with -p 1313, because only root may listen at a port
// below 1024. "telnet localhost 1313" shows the whole line.
//
// What Go changes: nothing, because there is no original. There is an option
// -t, as in all servers. It changes nothing, because this one never waits for a
// line.
package main

import (
	"fmt"
	"time"

	"fopnp/internal/py/socket"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/lecture23"
)

type DaytimeHandler struct {
	socketserver.BaseRequestHandler
}

func (h *DaytimeHandler) Handle() error {
	line := lecture23.NISTLine(time.Now())
	if err := h.Connection.SendAll(line); err != nil {
		lecture.Complain(h.ClientAddress, err)
	}
	return nil
}

func main() {
	address := lecture.ParseServerCommandLine("time server for gettime",
		socket.Address{Host: "localhost", Port: 13})
	server, err := socketserver.New[
		socketserver.ThreadingTCPServer, DaytimeHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, server.ServerAddress)
	server.ServeForever()
}
