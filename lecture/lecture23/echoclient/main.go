// Echoclient repeats the lecture's session with the echo server and prints it
// as Python's interpreter does: it sends a message twice, but gets it back only
// once.
//
// Source: Lecture 23, Echo server - client
//
// What to notice: the second send succeeds, because send only hands the bytes
// to the system. The second recv returns no bytes, which means that the server
// has closed the connection: its Handle has ended.
//
// What to try: run it against timeserv of the slides (-p 8888) and echo_server
// of the basics (-p 12345). What does each recv return, and why?
//
// What Go changes: the original recv returns what has arrived, which may be
// half of the echo. Here each recv waits until as much has come back as was
// sent, or until the server closes.
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
		socket.Address{Host: "localhost", Port: 9000})

	fmt.Println(">>> from socket import socket")
	fmt.Println(">>> echo = socket()")
	fmt.Printf(">>> echo.connect( %v )\n", address)
	echo := lecture.Connect(address, timeout)
	defer echo.Close()
	message := "Hello, how are you?"
	fmt.Printf(">>> message = \"%s\"\n", message)
	for range 2 {
		fmt.Println(">>> echo.send(message.encode())")
		if err := echo.SendAll([]byte(message)); err != nil {
			program.Fail(fmt.Sprintf("send to %v", address), err)
		}
		fmt.Println(len(message))

		fmt.Println(">>> echo.recv(1024)")
		data := make([]byte, 1024)
		n, err := io.ReadAtLeast(echo, data, len(message))
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			program.Fail(fmt.Sprintf("no echo from %v", address),
				framing.Ended(data[:n], err))
		}
		fmt.Println(pyfmt.Bytes(data[:n]))
	}
}
