// Udpcli1 sends one datagram to a server and waits for one back, which may
// never come: nobody tells a client of UDP what became of what it sent.
//
// Source: Network Programming Using Python, SIMPLE CONNECTIONLESS CLIENT
//
// What to notice: the port that the client uses is the system's choice. It is
// there from the start, before anything was sent.
//
// What to try: the exercise asks what happens when the server isn't listening.
// The original hangs. Here it depends: a host that is there, but has nobody at
// that port, says so, and that is "connection refused". Of a host that is not
// there, or of a datagram that is lost, there is nothing but silence, and the
// client waits no longer than -t says.
//
// What Go changes: the socket is connected, which sends nothing. It has the
// system hand on no other host's datagrams, and that host's refusals.
package main

import (
	"fmt"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture/slides"
)

func client(server socket.Address, timeout time.Duration) {
	s, err := socket.ConnectUDP(server)
	if err != nil {
		program.Fail(fmt.Sprintf("connect to %v", server), err)
	}
	fmt.Println("using", pyfmt.Addr(s.GetSockName()))
	if err := s.Send([]byte("MixedCaseString")); err != nil {
		program.Fail(fmt.Sprintf("send to %v", server), err)
	}
	s.SetTimeout(timeout)
	data, addr, err := s.Recv(1024)
	if err != nil {
		program.Fail(fmt.Sprintf("no reply from %v", server), err)
	}
	fmt.Println("received", pyfmt.Bare(data), "from", pyfmt.AddrPort(addr))
	s.Close()
}

func main() {
	parser := argparse.New("simple connectionless client")
	t := parser.Seconds("t", 5*time.Second,
		"wait this long for the reply (default %(default)s, 0 for ever)")
	address := slides.ParseCommandLine(parser,
		socket.Address{Host: "127.0.0.1", Port: 11111})
	client(address, *t)
}
