// Echo_client_uni sends each message that you type to an echo server and prints
// the echo, over a new connection for each message: it connects, and only then
// asks you.
//
// Source: Learning Python Network Programming, echo_client_uni
//
// What to notice: the client initiates. It is connected before you type, so
// while you think, echo_server_uni serves no other client.
//
// What to try: an empty line is an empty message, and it comes back.
//
// What Go changes: the client does not send a line that holds a NUL, is not
// UTF-8 or is too long. It says so in one line on stderr, and you can type
// another. At Ctrl-D, the original ends with a traceback, but this client just
// leaves.
package main

import (
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/tincanchat"
)

// client has one message echoed. It returns false when the user leaves.
func client(address socket.Address, timeout time.Duration) (bool, error) {
	sock := lecture.Connect(address, timeout)
	defer fmt.Print("Closed connection to server\n\n")
	defer sock.Close()
	fmt.Printf("\nConnected to %s:%d\n", address.Host, address.Port)
	fmt.Println("Type message, enter to send, 'q' to quit")
	msg, err := tincanchat.InputMsg()
	if err == io.EOF || msg == "q" {
		return false, nil
	}
	if err := tincanchat.SendMsg(sock, msg); err != nil {
		return false, err
	}
	fmt.Println("Sent message:", pyfmt.Bare([]byte(msg)))
	msg, err = tincanchat.RecvEcho(sock)
	if err != nil {
		return false, err
	}
	fmt.Println("Received echo:", pyfmt.Bare([]byte(msg)))
	return true, nil
}

func main() {
	address, timeout := tincanchat.ParseClientCommandLine("echo client")
	for {
		again, err := client(address, timeout)
		if err != nil {
			program.Fail(fmt.Sprintf("no echo from %v", address), err)
		}
		if !again {
			return
		}
	}
}
