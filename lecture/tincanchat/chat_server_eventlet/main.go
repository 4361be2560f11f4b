// Chat_server_eventlet passes each message on to all clients with goroutines
// and channels instead of a lock: one goroutine owns the list of clients, and
// the others send it functions to call.
//
// Source: Learning Python Network Programming, chat_server_eventlet
//
// What to notice: there is no lock, because only one goroutine uses the list.
// Eventlet's green threads need none either: they run one at a time, and take
// turns only where they wait. A client's queue is a channel with room for one
// thing: everything that waits for the client.
//
// What to try: "diff ../chat_server_multithread/main.go main.go" shows what a
// lock becomes when there are channels instead.
//
// What Go changes: goroutines instead of green threads. The original loses half
// a message that follows a whole one. Its queues have no bound.
//
// The listing is long because the queues are its lesson, so their code is here.
// The Queue of chat_server_multithread is in package tincanchat. That package's
// Conn has the rest: deadlines, and closing without a reset.
package main

import (
	"bytes"
	"io"
	"runtime"
	"slices"
	"sync"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/tincanchat"
)

// The goroutine of main calls the functions that the others send to room. It
// alone uses the other variables.
var (
	room       = make(chan func(), 64)
	sendQueues = map[*tincanchat.Conn]chan []byte{}
	news       []byte // what has been said since sendNews
)

// handleClientRecv receives a client's messages and broadcasts them, until the
// client stops sending.
func handleClientRecv(sock *tincanchat.Conn) {
	var err error
	for err == nil {
		var msgs []string
		msgs, err = sock.RecvMsgs()
		room <- func() {
			for _, msg := range msgs {
				msg = sock.Addr + ": " + msg
				tincanchat.PrintMsg(msg)
				broadcastMsg(msg)
			}
		}
	}
	room <- func() { handleDisconnect(sock, err) }
}

// handleClientSend sends what is in a client's queue, everything that waits
// in one write, until the queue is closed or the client is gone.
func handleClientSend(sock *tincanchat.Conn, q <-chan []byte) {
	var err error
	for err == nil {
		data, more := <-q
		if !more {
			break
		}
		err = sock.Send(data)
	}
	room <- func() { handleDisconnect(sock, err) }
	sock.Close()
}

// broadcastMsg adds a message to the news.
func broadcastMsg(msg string) {
	news = append(news, tincanchat.PrepMsg(msg)...)
	if len(news) > 64<<10 {
		sendNews() // or a client that does read could seem stuck
	}
}

// sendNews adds the news to the queue of each client.
func sendNews() {
	if len(news) == 0 {
		return
	}
	said := slices.Clip(bytes.Clone(news)) // all clients share it
	news = news[:0]
	for sock, q := range sendQueues {
		waiting := said
		select {
		case before := <-q:
			waiting = append(before, said...)
		default: // the client has everything that was said before
		}
		if len(waiting)+sock.Unsent() > lecture.MaxWaiting {
			handleDisconnect(sock, lecture.ErrDoesNotRead)
		} else {
			q <- waiting
		}
	}
}

// handleDisconnect handles a client that sends no more. The client must still
// hear what was said before. After io.EOF, it still hears the others.
func handleDisconnect(sock *tincanchat.Conn, why error) {
	sendNews()
	sock.Disconnect(why)
	if q := sendQueues[sock]; q != nil && why != io.EOF {
		close(q)
		delete(sendQueues, sock)
	}
}

// acceptClients accepts clients until the server is told to stop, and returns
// when everything is sent.
func acceptClients(listenSock *socket.Listener) {
	var receivers, senders sync.WaitGroup
	for {
		clientSock, err := listenSock.Accept()
		if err != nil {
			break // the server was told to stop
		}
		sock, q := tincanchat.NewConn(clientSock), make(chan []byte, 1)
		room <- func() {
			sendNews() // a new client does not hear earlier messages
			program.Printf("Connection from %s\n", sock.Addr)
			sendQueues[sock] = q
		}
		receivers.Go(func() { handleClientRecv(sock) })
		senders.Go(func() { handleClientSend(sock, q) })
	}
	receivers.Wait()
	room <- func() {
		sendNews()
		for _, q := range sendQueues {
			close(q)
		}
		clear(sendQueues)
	}
	senders.Wait()
	close(room)
}

func main() {
	address := tincanchat.ParseCommandLine("chat server using green threads")
	go acceptClients(tincanchat.CreateListenSocket(address))
	for do := range room {
		do()
		runtime.Gosched() // let the goroutines of other clients run
		for len(room) > 0 {
			(<-room)()
		}
		sendNews()
	}
}
