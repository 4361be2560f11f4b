// Udpc1 sends one line that you type as a datagram, prints the datagram that
// comes back, and ends.
//
// Source: Network Programming Using Python, UDP UPPER-CASE CLIENT
//
// What to notice: the original hangs if no answer comes. UDP does not tell a
// client that its datagram was lost, or that the answer was. The client can
// only stop waiting at some point, and -t says when.
//
// What to try: enter an empty line. It is a datagram, too, and gets an answer.
//
// What Go changes: the socket is connected, as in udpcli1.
package main

import (
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

func client(server socket.Address, timeout time.Duration) {
	line, err := lecture.RawInput("Send: ")
	if err == io.EOF {
		return // Ctrl-D
	}
	s, err := socket.ConnectUDP(server, timeout)
	if err != nil {
		program.Fail(fmt.Sprintf("connect to %v", server), err)
	}
	if err := s.Send([]byte(line)); err != nil {
		program.Fail(fmt.Sprintf("send to %v", server), err)
	}
	s.SetTimeout(timeout)
	data, _, err := s.Recv(1024)
	if err != nil {
		program.Fail(fmt.Sprintf("no reply from %v", server), err)
	}
	fmt.Println("Recv:", pyfmt.Bare(data))
	s.Close()
}

func main() {
	parser := argparse.New("upper-case client")
	t := lecture.TimeoutOption(parser, 5*time.Second)
	address := lecture.ParseCommandLine(parser,
		socket.Address{Host: "127.0.0.1", Port: 2345})
	client(address, *t)
}
