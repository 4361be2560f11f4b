// Chat_client sends each line that you type to the chat and prints what the
// others say: one loop waits for you and for the server.
//
// Source: Network Programming II - Chat Server & Client
//
// What to notice: Python's select waits for descriptors, and Go's select waits
// for channels. Two goroutines read lines, one from the server and one from
// you, and the loop takes the line that is there first.
//
// What to try: type half a line, and let another client say something. Its line
// appears above yours, and you can go on typing.
//
// What Go changes: at a terminal, a line editor keeps the prompt and your half
// line together. A tab that you type becomes a space. The client escapes what
// it prints, so no message can clear the screen or pass for a notice. At
// Ctrl-D, the original loops for ever, but this client leaves.
package main

import (
	"fmt"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/console"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/basics"
)

func chatClient(address socket.Address, timeout time.Duration) {
	s := lecture.Connect(address, timeout)
	chat := basics.Join(s, timeout)
	me := console.Open("Connected to remote host."+
		" You can start sending messages", "[Me] ")
	defer me.Close()
	for {
		select {
		case data, open := <-chat.Received():
			if !open {
				me.Close()
				if err := chat.Err(); err != nil {
					program.Fail(fmt.Sprintf("chat at %v", address), err)
				}
				fmt.Println("Disconnected from chat server")
				return
			}
			me.Show(data)
		case msg, open := <-me.Typed():
			if !open { // Ctrl-D
				if err := chat.Leave(); err != nil {
					me.Close()
					program.Fail(fmt.Sprintf("chat at %v", address), err)
				}
				return
			}
			if err := chat.Send(msg); err != nil {
				me.Complain("send", err)
			}
			me.Prompt()
		}
	}
}

func main() {
	parser := argparse.New("chat client")
	host := parser.Argument("host", "IP or hostname of the server")
	port := parser.PortArgument("port", "port of the server")
	t := lecture.TimeoutOption(parser, time.Minute)
	parser.Parse()
	chatClient(socket.Address{Host: *host, Port: *port}, *t)
}
