// SockServTCP is the upper-case service over TCP, and differs from SockServUDP in
// nothing but its server class.
//
// Source: Network Programming Using Python, EXERCISE 4: SOCKETSERVER USAGE
//
// What to notice: the text gives the exercise and not the program. The service
// is that of its tcps1.
//
// What to try: the exercise asks whether the server can accept multiple
// connections. Two of tcpcli1 both connect, but the second is not answered until
// the first has left.
package main

import (
	"fmt"

	"fopnp/internal/program"
	"fopnp/internal/socket"
	"fopnp/internal/socketserver"
	"fopnp/lecture/slides"
)

func main() {
	myaddr := slides.ParseServerCommandLine("upper-case server", socket.Address{Host: "127.0.0.1", Port: 2345})
	myserver, err := socketserver.NewTCPServer(myaddr, slides.NewUCHandler)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", myaddr), err)
	}
	slides.Announce(myaddr, myserver.ServerAddress)
	myserver.ServeForever()
}
