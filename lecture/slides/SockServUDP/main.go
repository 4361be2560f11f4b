// SockServUDP answers datagrams in upper case with the handler that SockServTCP
// answers lines with: the two differ in nothing but their server class.
//
// Source: Network Programming Using Python, EXERCISE 4: SOCKETSERVER USAGE
//
// What to notice: the text gives the exercise and not the program. The service
// is that of its udps1, and the handler class is in package slides, where all
// servers of exercises 4 and 5 have it from.
//
// What to try: the client is udpcli1, with -p 2345, as it was before. Is the
// functionality any different? To the client it is not.
//
// What Go changes: there is an option -t, which SockServTCP needs. Nobody
// waits for a datagram that is there, so here it changes nothing.
package main

import (
	"fmt"

	"fopnp/internal/py/socket"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
	"fopnp/lecture/slides"
)

func main() {
	address := slides.ParseServerCommandLine("upper-case server",
		socket.Address{Host: "127.0.0.1", Port: 2345})
	myserver, err := socketserver.New[
		socketserver.UDPServer, slides.UCHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	slides.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
