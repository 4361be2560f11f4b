// Tcpcli1 sends each line that is typed to the upper-case server and prints
// what comes back, until an empty line ends the session.
//
// Source: Network Programming Using Python, EXERCISE 3: TCP CLIENT/SERVER
//
// What to notice: the text gives the exercise and not the program. The
// conversation is that of its tcpc1.
//
// What to try: Ctrl-D in place of a line. The client then hangs up without the
// empty line that the server expects, and the server says so.
//
// What Go changes: where the original would die of Ctrl-D with a traceback, the
// client ends with status 0.
package main

import (
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture/slides"
)

func client(address socket.Address, timeout time.Duration) {
	sock, err := socket.Connect(address, timeout)
	if err != nil {
		program.Fail(fmt.Sprintf("connect to %v", address), err)
	}
	server := slides.NewLines(sock)
	defer server.Close()
	for {
		data, err := slides.RawInput("Send: ")
		if err == io.EOF {
			return // Ctrl-D
		}
		if err := server.SendAll([]byte(data + "\r\n")); err != nil {
			program.Fail(fmt.Sprintf("send to %v", address), err)
		}
		if data == "" {
			return
		}
		answer, err := server.ReadLine()
		if err != nil {
			program.Fail(fmt.Sprintf("no answer from %v", address), err)
		}
		fmt.Println(pyfmt.Bare(slides.Chomp(answer)))
	}
}

func main() {
	parser := argparse.New("upper-case client")
	t := parser.Seconds("t", time.Minute,
		"wait this long for the server (default %(default)s, 0 for ever)")
	address := slides.ParseCommandLine(parser,
		socket.Address{Host: "127.0.0.1", Port: 2345})
	client(address, *t)
}
