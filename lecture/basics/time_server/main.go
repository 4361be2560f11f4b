// Time_server sends the time in a line to each client that connects, and hangs
// up: the socket that listens produces a socket for each client.
//
// Source: Network Programming - Server & Client A: Basics, Simple Socket
//
// What to notice: it is timeserv of the slides with a line ending. No data goes
// through the socket that listens. The text calls it serversocket, and the one
// that Accept returns clientsocket. Here both have timeserv's names, so "diff"
// shows only what is different.
//
// The server closes the connection at once. What it has sent before that still
// arrives.
//
// What to try: "telnet localhost 9999" is a client, too.
//
// What Go changes: instead of the function ctime, there is a layout,
// time.ANSIC. There is an option -t, as in all servers. It changes nothing,
// because this one never waits for a line. The original does not set
// SO_REUSEADDR: started again, it may say that the address is in use.
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
		socket.Address{Port: 9999})
	s := lecture.Listen(address)
	for {
		client, err := s.Accept()
		if err != nil {
			return // the server was told to stop
		}
		addr := client.RemoteAddr()
		program.Println("Got a connection from", pyfmt.Addr(addr))
		now := time.Now().Format(time.ANSIC) + "\r\n"
		if err := client.SendAll([]byte(now)); err != nil {
			lecture.Complain(addr, err)
		}
		client.Close()
	}
}
