// Tcpserv1 sends each line back in upper case with a listening socket and a
// loop around accept: it serves one client at a time, and the others wait.
//
// Source: Network Programming Using Python, EXERCISE 3: TCP CLIENT/SERVER
//
// What to notice: the text gives the exercise, not the program. The
// conversation is that of tcps1, which turns this loop into a server class.
//
// What to try: the exercise asks two questions. What happens if the client
// aborts (enter Ctrl-D)? The server says so and serves the next. Can two
// clients run against the same server? Both connect, but the second gets no
// answer until the first has left.
package main

import (
	"fopnp/internal/py/socket"
	"fopnp/lecture"
	"fopnp/lecture/slides"
)

func main() {
	address := lecture.ParseServerCommandLine("upper-case server",
		socket.Address{Host: "127.0.0.1", Port: 2345})
	listener := lecture.Listen(address)
	for {
		sock, err := listener.Accept()
		if err != nil {
			return // the server was told to stop
		}
		slides.HandleConversation(sock, sock.RemoteAddr())
	}
}
