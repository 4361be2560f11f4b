// Chat_server_poll passes each message on to all clients from one thread, which
// waits in poll(2) for all of them at once.
//
// Source: Learning Python Network Programming, chat_server_poll
//
// What to notice: the server never waits for a client. Data that a client does
// not take at once waits in a send queue of its own, and poll says when there
// is room again. The messages that arrive in one turn of the loop leave
// together, in one write for each client, unless they exceed 64 KiB.
//
// What to try: let a client connect and read nothing. The others chat on, until
// a megabyte waits for it and the server disconnects it.
//
// What Go changes: the original dies when a client leaves in the round in which
// another one speaks, and when a client takes only part of a message. Its
// queues have no bound, and it never decodes its messages, so they read
// b'hello'.
//
// Package crowd has the rest: the send queues, deadlines, and closing without a
// reset.
package main

import (
	"fopnp/internal/py/selectors"
	"fopnp/internal/serve/program"
	"fopnp/lecture/internal/crowd"
	"fopnp/lecture/tincanchat"
)

var (
	poll *crowd.Crowd
	news []byte // what this turn of the loop has brought
)

// createClients accepts all new clients. They hear what is said from now on.
func createClients() {
	sendNews()
	for c := poll.Accept(); c != nil; c = poll.Accept() {
		program.Printf("Connection from %s\n", c.Addr)
	}
}

// handleClientRecv receives what a client has said.
func handleClientRecv(c *crowd.Client) {
	for msg, err := range tincanchat.RecvReady(c) {
		if err != nil {
			handleDisconnect(c, err)
			return
		}
		msg = c.Addr + ": " + msg
		tincanchat.PrintMsg(msg)
		broadcastMsg(msg)
	}
}

// broadcastMsg adds a message to the news.
func broadcastMsg(msg string) {
	news = append(news, tincanchat.PrepMsg(msg)...)
	if len(news) > 64<<10 {
		sendNews() // or a client that does read could seem stuck
	}
}

// sendNews sends the news to all clients, in one write for each.
func sendNews() {
	if len(news) > 0 {
		for c := range poll.All() {
			c.Write(news)
		}
		news = news[:0]
	}
}

// handleDisconnect handles a client that sends no more. The client must still
// hear what was said before.
func handleDisconnect(c *crowd.Client, why error) {
	sendNews()
	if c.Disconnect(why) {
		program.Printf("Client %s disconnected\n", c.Addr)
	}
}

func main() {
	address := tincanchat.ParseCommandLine("chat server using poll")
	poll = crowd.New()
	poll.Listen(tincanchat.CreateListenSocket(address))
	for poll.Wait() {
		for c, event := poll.Next(); event != 0; c, event = poll.Next() {
			if c == nil {
				createClients()
				continue
			}
			if event&selectors.EventWrite != 0 {
				c.SendQueued()
			}
			if event&selectors.EventRead != 0 {
				handleClientRecv(c)
			}
		}
		sendNews()
		for c, err := range poll.Due() {
			handleDisconnect(c, err)
		}
	}
}
