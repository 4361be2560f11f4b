// Timeserv sends the time to each client that connects, and hangs up: the
// client need not send anything.
//
// Source: Network Programming Using Python, CONNECTION-ORIENTED SERVER
//
// What to notice: the socket that listens is not the one that sends the time.
// Accept returns a new socket for each client.
//
// The server prints two spaces before the address. One is in the text. The
// other is what Python's print puts between two things.
//
// What to try: "telnet localhost 8888" is a client, too.
//
// What Go changes: instead of the function ctime, there is a layout,
// time.ANSIC. There is an option -t, as in all servers. It changes nothing,
// because this one never waits for a line.
package main

import (
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

func main() {
	address := lecture.ParseServerCommandLine("time server program",
		socket.Address{Port: 8888})
	s := lecture.Listen(address)
	for {
		client, err := s.Accept()
		if err != nil {
			return // the server was told to stop
		}
		addr := client.RemoteAddr()
		program.Println("Got a connection from ", pyfmt.Addr(addr))
		now := time.Now().Format(time.ANSIC)
		if err := client.SendAll([]byte(now)); err != nil {
			lecture.Complain(addr, err)
		}
		client.Close()
	}
}
