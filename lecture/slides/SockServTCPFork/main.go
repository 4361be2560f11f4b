// SockServTCPFork sends each line back in upper case from a process for each
// client, at most forty at a time: its server class is ForkingTCPServer.
//
// Source: Network Programming Using Python, EXERCISE 5: ASYNC TCP SERVERS
//
// What to notice: one word replaces threads with processes. You cannot see here
// that a process costs more than a thread, nor what it is good for: if one is
// killed, the others live on.
//
// What to try: look at the children with "ps --forest", and kill one.
//
// What Go changes: Go cannot fork. The server starts its own program again, and
// the child inherits the connection. In the child, socketserver.New does not
// return: see socketserver.ForkingMixIn. Windows has no fork either, and there
// the program says so.
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
		socketserver.ForkingTCPServer, slides.UCHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
