// Echoserver sends back what its first recv from a client returns, and hangs
// up: TCPServer accepts the clients one at a time, and a handler class says
// what to do with each.
//
// Source: Lecture 23, Echo server
//
// What to notice: the handler does not open, accept or close a socket. As soon
// as Handle returns, the server closes the connection, so a second message gets
// no echo.
//
// One recv is not one message. TCP carries bytes: a message of more than 1024
// bytes comes back cut off, and so may a message that arrives in two pieces.
//
// What to try: "telnet localhost 9000" is a client, too. Leave it open and type
// nothing. No other client gets an echo until you type, or until the time that
// -t sets is over.
//
// What Go changes: the server as printed does not start (TypeError), because
// TCPServer wants the class EchoHandler and not the object EchoHandler(). The
// original also decodes the message and encodes it again, which fails for bytes
// that are not UTF-8. Here any bytes come back as they are.
package main

import (
	"fmt"
	"io"

	"fopnp/internal/py/socket"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

type EchoHandler struct {
	socketserver.BaseRequestHandler
}

func (h *EchoHandler) Handle() error {
	message := make([]byte, 1024)
	n, err := h.Connection.Read(message)
	if err == io.EOF || err == program.ErrStopped {
		return nil // there is nothing to send back
	}
	if err == nil {
		err = h.Connection.SendAll(message[:n])
	}
	if err != nil {
		lecture.Complain(h.ClientAddress, err)
	}
	return nil
}

func main() {
	address := lecture.ParseServerCommandLine("echo server",
		socket.Address{Host: "localhost", Port: 9000})
	echoServer, err := socketserver.New[
		socketserver.TCPServer, EchoHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, echoServer.ServerAddress)
	program.Println("Server is ready")
	echoServer.ServeForever()
}
