// Tcpcli1 sends each line that you type to the upper-case server and prints
// what comes back, all over one connection, until you enter an empty line.
//
// Source: Network Programming Using Python, EXERCISE 3: TCP CLIENT/SERVER
//
// What to notice: the text gives the exercise, not the program. The
// conversation is that of tcpc1.
//
// What to try: type Ctrl-D instead of a line. The client hangs up without the
// empty line that the server expects, and the server says so.
//
// What Go changes: at Ctrl-D, the original would die with a traceback. Here the
// client ends with status 0.
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
