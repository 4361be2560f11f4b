// SockServTCPFork answers lines in upper case with a process for each client,
// forty at most: ForkingTCPServer is all that it takes.
//
// Source: Network Programming Using Python, EXERCISE 5: ASYNC TCP SERVERS
//
// What to notice: to replace threads by processes takes a word. What a process
// costs more than a thread is not to be seen here, nor what it is good for: one
// that is killed takes no other along.
//
// What to try: look at the children with "ps --forest", and kill one.
//
// What Go changes: Go cannot fork. The server starts its own program again,
// with the connection among what the child inherits, and NewForkingTCPServer
// does not return there: see socketserver.ForkingMixIn. That is not for
// Windows, as fork is not, and there the program says so.
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
		socketserver.ForkingTCPServer, slides.UCHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	slides.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
