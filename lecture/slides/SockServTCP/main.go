// SockServTCP sends each line back in upper case with the same handler as
// SockServUDP: the two programs differ only in their server class.
//
// Source: Network Programming Using Python, EXERCISE 4: SOCKETSERVER USAGE
//
// What to notice: the text gives the exercise, not the program. The service is
// that of tcps1.
//
// What to try: the exercise asks whether the server can accept multiple
// connections. Start tcpcli1 twice. Both clients connect, but the second gets
// no answer until the first has left.
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
		socketserver.TCPServer, slides.UCHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
