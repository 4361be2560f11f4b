// Echo_server sends back all that its one client sends, and ends when that
// client leaves: there is no loop around accept, only one around recv.
//
// Source: Network Programming - Server & Client A: Basics, Echo Server
//
// What to notice: the server does not send or receive with s, the socket that
// listens, but with conn, the new socket that accept returns.
//
// What to try: start two clients with telnet. Both connect, but only the first
// gets an echo. The second waits in the queue of s. When the first leaves, the
// server ends, and the system closes the second connection.
//
// What Go changes: the text prints a tuple, as Python 2 does. In Python 3 the
// line is "Connected by" and the address. After a reset, the original ends with
// a traceback. Here it ends with one line and status 1. It does the same if the
// client is silent for the time that -t sets.
package main

import (
	"io"
	"os"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

func main() {
	address := lecture.ParseServerCommandLine("echo server for one client",
		socket.Address{Port: 12345})
	s := lecture.Listen(address)
	conn, err := s.Accept()
	if err != nil {
		return // the server was told to stop
	}
	addr := conn.RemoteAddr()
	program.Printf("('Connected by', %s)\n", pyfmt.Addr(addr))
	data := make([]byte, 1024)
	for err == nil {
		var n int
		n, err = conn.Read(data)
		if err == nil {
			err = conn.SendAll(data[:n])
		}
	}
	conn.Close()
	if err != io.EOF && err != program.ErrStopped {
		lecture.Complain(addr, err)
		if program.Stopping().Err() == nil {
			os.Exit(1)
		}
	}
}
