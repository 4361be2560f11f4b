// Timeserv tells everybody who connects what time it is, and hangs up: who is
// told needs to say nothing.
//
// Source: Network Programming Using Python, CONNECTION-ORIENTED SERVER
//
// What to notice: the socket that listens is not the one that the time is sent
// through. Accept returns a new one for each client.
//
// The line that is printed has two spaces before the address: one is the
// text's, and one Python's print puts between any two things.
//
// What to try: "telnet localhost 8888" is a client too.
//
// What Go changes: ctime is no function but a layout, time.ANSIC.
package main

import (
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture/slides"
)

func main() {
	address := slides.ParseServerCommandLine("time server program",
		socket.Address{Port: 8888})
	s := slides.Listen(address)
	for {
		client, err := s.Accept()
		if err != nil {
			return // the server was told to stop
		}
		addr := pyfmt.Addr(client.RemoteAddr())
		program.Println("Got a connection from ", addr)
		now := time.Now().Format(time.ANSIC)
		if err := client.SendAll([]byte(now)); err != nil {
			program.Complain("client "+addr, err)
		}
		client.Close()
	}
}
