// SockServTCP answers lines in upper case with the handler that SockServUDP
// answers datagrams with: the two differ in nothing but their server class.
//
// Source: Network Programming Using Python, EXERCISE 4: SOCKETSERVER USAGE
//
// What to notice: the text gives the exercise and not the program. The service
// is that of its tcps1.
//
// What to try: the exercise asks whether the server can accept multiple
// connections. Two of tcpcli1 both connect, but the second is not answered
// until the first has left.
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
		socketserver.TCPServer, slides.UCHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	slides.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
