// Echo_client sends twelve bytes to an echo server, and reads until twelve
// bytes are back.
//
// Source: Network Programming - Server & Client A: Basics, Echo Server
//
// What to notice: the output has two kinds of quotes. The text calls print with
// two things in parentheses, and in Python 2 that prints a tuple. A tuple
// prints the repr of what it holds, and what it holds is a repr already. Python
// 3 prints "Received b'Hello, world'".
//
// What to try: run it against echoserver of lecture 23 (-p 9000). That server
// calls recv only once, which is enough for twelve bytes.
//
// What Go changes: the original calls recv once. That returns what has arrived,
// which may be half of the echo. It connects to gethostname(), which may not
// resolve. The default here is localhost.
package main

import (
	"fmt"
	"io"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

func main() {
	address, timeout := lecture.ParseClientCommandLine("echo client",
		socket.Address{Host: "localhost", Port: 12345})
	s := lecture.Connect(address, timeout)
	message := []byte("Hello, world")
	if err := s.SendAll(message); err != nil {
		program.Fail(fmt.Sprintf("send to %v", address), err)
	}
	data := make([]byte, 1024)
	n, err := io.ReadAtLeast(s, data, len(message))
	s.Close()
	if err != nil {
		program.Fail(fmt.Sprintf("no echo from %v", address),
			framing.Ended(data[:n], err))
	}
	fmt.Printf("('Received', %s)\n", pyfmt.Repr(pyfmt.Repr(data[:n])))
}
