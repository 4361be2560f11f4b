// Udpserv1 sends every datagram back to its sender in upper case: one socket
// serves all clients, because it is not connected to any of them.
//
// Source: Network Programming Using Python, SIMPLE CONNECTIONLESS SERVER
//
// What to notice: there is no accept and no second socket. Each datagram brings
// its sender's address, and the answer goes there.
//
// What to try: the exercise asks how easy it is to change the port and the
// address of the service. As easy as "udpserv1 127.0.0.1 -p 11112".
//
// What Go changes: if a datagram is longer than 1024 bytes, the rest is lost,
// as in the original, but a line on stderr says so.
package main

import (
	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

func serve(s *socket.UDPSocket) {
	for {
		data, addr, err := s.RecvFrom(1024)
		if err != nil {
			return // the server was told to stop
		}
		program.Println("Connection from", pyfmt.AddrPort(addr))
		if err := s.SendTo(pyfmt.Upper(data), addr); err != nil {
			program.Complain("answer "+pyfmt.AddrPort(addr), err)
		}
	}
}

func main() {
	parser := argparse.New("simple connectionless server")
	address := lecture.ParseServerAddress(parser,
		socket.Address{Host: "127.0.0.1", Port: 11111})
	serve(lecture.Bind(address))
}
