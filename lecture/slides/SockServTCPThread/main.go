// SockServTCPThread sends each line back in upper case from a thread for each
// client, so no client waits for another: its server class is
// ThreadingTCPServer.
//
// Source: Network Programming Using Python, EXERCISE 5: ASYNC TCP SERVERS
//
// What to notice: the text gives the exercise, not the program. It is
// SockServTCP with another server class. The handler has no line about threads.
//
// What to try: start tcpcli1 as often as you like.
//
// What Go changes: a thread is a goroutine. Ten thousand goroutines are no
// burden.
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
		socketserver.ThreadingTCPServer, slides.UCHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, myserver.ServerAddress)
	myserver.ServeForever()
}
