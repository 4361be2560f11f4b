// TsTclntSS opens a new connection for each line that you type, and prints what
// comes back: the server hangs up after each answer.
//
// Source: Network Programming Using Python, SOCKETSERVER TIMESTAMP TCP CLIENT
//
// What to notice: the client connects first, and then asks what to send. While
// you think, the server serves nobody else. The empty line that ends the client
// has a connection, too, over which nothing is sent.
//
// What to try: think for more than a minute before you enter a line. By then
// the server has hung up, and the client says so.
//
// What Go changes: the original calls recv once. That returns what has arrived,
// which may be half of the line. The original leaves it to the system to close
// its last connection.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

const bufsiz = 8192 // for the longest line and the time

// ask sends one line, if you type one, and prints the answer.
func ask(address socket.Address, timeout time.Duration) (typed bool) {
	server := lecture.Connect(address, timeout)
	defer server.Close()
	data, err := lecture.RawInput("> ")
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
	address, timeout := lecture.ParseClientCommandLine("timestamp client",
		socket.Address{Host: "localhost", Port: 21567})
	for ask(address, timeout) {
	}
}
