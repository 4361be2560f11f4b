// TsTclntSS sends each line that is typed over a connection of its own, and
// prints what comes back: the server hangs up after each answer.
//
// Source: Network Programming Using Python, SOCKETSERVER TIMESTAMP TCP CLIENT
//
// What to notice: the client connects first and asks then what to send. While
// somebody thinks, nobody else is served. The empty line that ends it has a
// connection, too, over which nothing is sent.
//
// What to try: wait for more than a minute with a line. The server has hung up
// by then, and the client says so.
//
// What Go changes: the original calls recv once, which returns what has
// arrived, and that may be half of the line. It leaves its last connection to
// the system to close.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture/slides"
)

const bufsiz = 8192 // a line of any length, and the time

// ask sends one line, if one is typed, and prints the answer.
func ask(address socket.Address, timeout time.Duration) (typed bool) {
	server, err := socket.Connect(address, timeout)
	if err != nil {
		program.Fail(fmt.Sprintf("connect to %v", address), err)
	}
	defer server.Close()
	data, err := slides.RawInput("> ")
	if err == io.EOF || data == "" {
		return false
	}
	if err := server.SendAll([]byte(data + "\r\n")); err != nil {
		program.Fail(fmt.Sprintf("send to %v", address), err)
	}
	answer, err := bufio.NewReaderSize(server, bufsiz).ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		err = framing.TooLong(answer, '\n', bufsiz)
	} else if err != nil {
		err = framing.Ended(answer, err)
	}
	if err != nil {
		program.Fail(fmt.Sprintf("no answer from %v", address), err)
	}
	fmt.Println(pyfmt.Bare(bytes.TrimSpace(answer)))
	return true
}

func main() {
	parser := argparse.New("timestamp client")
	t := parser.Seconds("t", time.Minute,
		"wait this long for the server (default %(default)s, 0 for ever)")
	address := slides.ParseCommandLine(parser,
		socket.Address{Host: "localhost", Port: 21567})
	for ask(address, *t) {
	}
}
