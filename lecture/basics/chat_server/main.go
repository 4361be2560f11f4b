// Chat_server passes each line on to all other clients from one thread: poll
// tells it which clients have sent something, and which can take more.
//
// Source: Network Programming II - Chat Server & Client
//
// What to notice: the server never waits for a client. Data that a client does
// not take at once waits in that client's own queue, and leaves in one write
// when there is room. A client for which a megabyte waits is thrown out.
//
// What to try: start two chat_clients and, as a third client, "nc localhost
// 9009". Stop that one with Ctrl-Z. The other two chat on as if it were there.
//
// What Go changes: the original calls select over and over without a pause. It
// takes a segment for a line, so two lines get one name, and it names the wrong
// client in "is offline". One client that does not read stops the chat for all.
// Our server waits in poll(2), because select(2) takes no descriptor above
// 1023.
//
// Package crowd has the rest: the queues, deadlines, and closing without a
// reset.
package main

import (
	"fmt"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/internal/crowd"
)

const serverHost, serverPort = "", 9009

var (
	socketList *crowd.Crowd
	news       []byte // the messages of this turn of the loop
)

// chatServer chats until it is told to stop and the last client has gone.
func chatServer() {
	for socketList.Wait() {
		c, event := socketList.Next()
		for ; event != 0; c, event = socketList.Next() {
			if c == nil {
				accept()
				continue
			}
			if event&selectors.EventWrite != 0 {
				c.SendQueued() // it has room again
			}
			if event&selectors.EventRead != 0 {
				receive(c)
			}
		}
		tellAll()
		for c, why := range socketList.Due() {
			disconnect(c, why)
		}
		tellAll()
	}
}

// New clients: all others hear who has come.
func accept() {
	for c := socketList.Accept(); c != nil; c = socketList.Accept() {
		host, port := c.AddrPort.Addr(), c.AddrPort.Port()
		program.Printf("Client (%s, %d) connected\n", host, port)
		c.Name = "\r[" + c.Addr + "] "
		c.Heard = len(news) // not what was said before it came
		broadcast(c, fmt.Sprintf("[%s:%d] entered our chatting room\n",
			host, port), nil)
	}
}

// A client has sent something: each whole line is for all others.
func receive(c *crowd.Client) {
	for line, err := range c.Recv('\n') {
		if err != nil {
			disconnect(c, err)
			return
		}
		broadcast(c, c.Name, line)
		if len(news) > 64<<10 {
			tellAll() // or a client that does read could seem stuck
		}
	}
}

// broadcast adds a message to the news for all clients but the one that it is
// about. That client still gets the earlier news, but not the message.
func broadcast(about *crowd.Client, message string, line []byte) {
	about.Enqueue(news[about.Heard:])
	news = append(append(news, message...), line...)
	about.Heard = len(news)
}

// tellAll sends the news to all clients, in one write for each.
func tellAll() {
	for len(news) > 0 {
		for c := range socketList.All() {
			heard := c.Heard
			c.Heard = 0
			c.Write(news[heard:])
		}
		news = news[:0]
		for c := range socketList.Stuck() { // this is news, too
			disconnect(c, lecture.ErrDoesNotRead)
		}
	}
}

// disconnect handles a client that sends no more, and tells the others.
func disconnect(c *crowd.Client, why error) {
	if !c.Silent && !socketList.Stopping() {
		broadcast(c, fmt.Sprintf("Client (%s, %d) is offline\n",
			c.AddrPort.Addr(), c.AddrPort.Port()), nil)
	}
	c.Disconnect(why)
}

func main() {
	parser := argparse.New("chat server")
	t := parser.Seconds("t", time.Minute,
		"how long a client may take to finish a line, or to receive"+
			" (default %(default)s, 0: for ever)")
	address := lecture.ParseServerAddress(parser,
		socket.Address{Host: serverHost, Port: serverPort})
	socket.SetDefaultTimeout(*t)
	socketList = crowd.New()
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	socketList.Listen(listener)
	socketList.StopHearing = true
	program.Printf("Chat server started on port %d\n", listener.Address.Port)
	chatServer()
}
