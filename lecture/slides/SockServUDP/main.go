// SockServUDP sends each datagram back in upper case with the same handler as
// SockServTCP: the two programs differ only in their server class.
//
// Source: Network Programming Using Python, EXERCISE 4: SOCKETSERVER USAGE
//
// What to notice: the text gives the exercise, not the program. The service is
// that of udps1. The handler class is in package slides, because all servers of
// exercises 4 and 5 share it.
//
// What to try: start udpcli1 with -p 2345. Is the functionality any different?
// Not to the client.
//
// What Go changes: there is an option -t, because SockServTCP needs it. Here it
// changes nothing: a datagram arrives whole, so the server never waits for the
// rest of one.
package main

import (
	"fmt"

	"fopnp/internal/py/socket"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/slides"
)

func main() {
	address := lecture.ParseServerCommandLine("upper-case server",
		socket.Address{Host: "127.0.0.1", Port: 2345})
	myserver, err := socketserver.New[
		socketserver.UDPServer, slides.UCHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
