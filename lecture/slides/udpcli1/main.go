// Udpcli1 sends one datagram to a server and waits for one back, which may
// never come: UDP does not tell a client what became of its datagram.
//
// Source: Network Programming Using Python, SIMPLE CONNECTIONLESS CLIENT
//
// What to notice: the system chooses the client's port. It does so at the
// start, before the client has sent anything.
//
// What to try: the exercise asks what happens if the server isn't listening.
// The original hangs. Here it depends. If the host is there but no program has
// that port, the host says so: "connection refused". If the host is not there,
// or if a datagram is lost, the client hears nothing and waits no longer than
// -t says.
//
// What Go changes: the socket is connected, which sends nothing. A connected
// UDP socket receives only from its peer, and reports that the peer's host
// refuses datagrams.
package main

import (
	"fmt"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

func client(server socket.Address, timeout time.Duration) {
	s, err := socket.ConnectUDP(server, timeout)
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
	t := lecture.TimeoutOption(parser, 5*time.Second)
	address := lecture.ParseCommandLine(parser,
		socket.Address{Host: "127.0.0.1", Port: 11111})
	client(address, *t)
}
