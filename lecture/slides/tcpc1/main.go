// Tcpc1 sends each line that you type to the upper-case server and prints what
// comes back, just as tcpcli1 does: a client cannot tell how its server was
// written.
//
// Source: Network Programming Using Python, TCP UPPER-CASE CLIENT
//
// What to notice: from the package clause on, this is tcpcli1, letter for
// letter.
//
// What Go changes: the original prints what one call of recv returns, less two
// bytes, whatever they are. Here an answer is a line.
package main

import (
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

func client(address socket.Address, timeout time.Duration) {
	sock := lecture.Connect(address, timeout)
	server := lecture.NewLines(sock)
	defer server.Close()
	for {
		data, err := lecture.RawInput("Send: ")
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
		fmt.Println(pyfmt.Bare(lecture.Chomp(answer)))
	}
}

func main() {
	address, timeout := lecture.ParseClientCommandLine("upper-case client",
		socket.Address{Host: "127.0.0.1", Port: 2345})
	client(address, timeout)
}
