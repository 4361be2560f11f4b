// Chat_client_multithread receives and sends at once: main waits for the
// server, and a second thread waits for you.
//
// Source: Learning Python Network Programming, chat_client_multithread
//
// What to notice: two threads share one socket. One only receives, the other
// only sends, so neither disturbs the other.
//
// The thread that reads your input ends the program by leaving the chat. That
// wakes main, which is waiting for a message.
//
// What to try: type half a line, and let another client say something. Then
// stop the server while you type.
//
// What Go changes: a thread is a goroutine. At a terminal, a line editor keeps
// your half-typed line below incoming messages. They are escaped, so none can
// clear the screen or pass for another. The client refuses a line that is too
// long, holds a NUL byte or is not UTF-8. After Ctrl-D, the original ignores
// its keyboard. This client leaves, and what you have sent still arrives.
package main

import (
	"fmt"
	"io"

	"fopnp/internal/serve/console"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/tincanchat"
)

// handleInput sends what the user types to the server, until the user leaves.
func handleInput(sock tincanchat.Chat, user *console.Console) {
	for msg := range user.Typed() {
		if msg == "q" {
			break
		}
		if err := sock.Send(msg); err != nil {
			user.Complain("send", err)
		}
	}
	sock.Leave()
}

func main() {
	address, timeout := tincanchat.ParseClientCommandLine("chat client")
	sock := tincanchat.Join(lecture.Connect(address, timeout), timeout)
	fmt.Printf("Connected to %s:%d\n", address.Host, address.Port)
	user := console.Open("Type messages, enter to send. 'q' to quit", "")
	go handleInput(sock, user)
	msg, err := sock.Receive()
	for err == nil {
		user.Show(msg)
		msg, err = sock.Receive()
	}
	user.Close()
	if err != io.EOF {
		program.Fail(fmt.Sprintf("chat at %v", address), err)
	}
	fmt.Println("Connection to server closed")
}
