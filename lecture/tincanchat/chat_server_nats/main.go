// Chat_server_nats passes each message on to the clients of all servers: it
// publishes the message to a JetStream stream, which all servers follow.
//
// Source: Learning Python Network Programming, chat_server_multithread
//
// What to notice: broadcastMsg gets messages from the stream, not directly from
// a client. So the clients of all servers hear all messages in the stream's
// order. A client's next messages wait until the stream has confirmed the
// previous ones, so each author's messages stay in order, too.
//
// What to try: "diff ../chat_server_multithread/main.go main.go" shows what a
// second machine costs in code.
//
// What Go changes: the book has no such server. This one prints only its own
// clients' messages.
//
// The listing is long because chat_server_multithread is. Package stream has
// the rest: it sends a message again until it is confirmed, and follows the
// stream even if NATS loses a machine.
package main

import (
	"io"
	"sync"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/tincanchat"
	"fopnp/lecture/tincanchat/internal/stream"
)

var (
	everywhere *stream.Stream
	lock       sync.Mutex
	sendQueues = map[*tincanchat.Conn]*tincanchat.Queue{} // with lock
)

// handleClientRecv receives a client's messages and says them everywhere, until
// the client stops sending. It tells the client which messages the stream has
// not confirmed. They may still arrive later.
func handleClientRecv(sock *tincanchat.Conn) {
	var err error
	for err == nil {
		var msgs []string
		msgs, err = sock.RecvMsgs()
		var data, notice []byte
		for _, msg := range msgs {
			tincanchat.PrintMsg(sock.Addr + ": " + msg)
			data = append(data, tincanchat.PrepMsg(sock.Addr+": "+msg)...)
			notice = append(notice, tincanchat.PrepMsg(
				program.Name()+": not confirmed: "+msg)...)
		}
		if len(data) > 0 && everywhere.Say(data) != nil {
			tell(sock, notice)
		}
	}
	handleDisconnect(sock, err)
}

// handleClientSend sends what is in a client's queue, everything that waits
// in one write, until the queue is closed or the client is gone.
func handleClientSend(sock *tincanchat.Conn, q *tincanchat.Queue) {
	var err error
	for err == nil {
		data, more := q.Get()
		if !more {
			break
		}
		err = sock.Send(data)
	}
	handleDisconnect(sock, err)
	sock.Close()
}

// broadcastMsg adds messages to the queue of each client, all at once, so they
// can leave in one write.
func broadcastMsg(data []byte) {
	lock.Lock()
	defer lock.Unlock()
	for sock := range sendQueues {
		put(sock, data)
	}
}

// tell adds messages to the queue of one client.
func tell(sock *tincanchat.Conn, data []byte) {
	lock.Lock()
	defer lock.Unlock()
	put(sock, data)
}

func put(sock *tincanchat.Conn, data []byte) {
	q := sendQueues[sock]
	if q != nil && q.Put(data)+sock.Unsent() > lecture.MaxWaiting {
		q.Clear()
		disconnect(sock, lecture.ErrDoesNotRead)
	}
}

// handleDisconnect handles a client that sends no more. After io.EOF, the
// client still hears the others.
func handleDisconnect(sock *tincanchat.Conn, why error) {
	lock.Lock()
	defer lock.Unlock()
	disconnect(sock, why)
}

func disconnect(sock *tincanchat.Conn, why error) {
	sock.Disconnect(why)
	if q := sendQueues[sock]; q != nil && why != io.EOF {
		q.Close()
		delete(sendQueues, sock)
	}
}

func main() {
	parser := argparse.New("chat server over several machines")
	options := stream.NewOptions(parser)
	address := lecture.ParseServerOptions(parser,
		socket.Address{Host: tincanchat.Host, Port: tincanchat.Port})
	everywhere = options.Open()
	go everywhere.Follow(broadcastMsg)
	listenSock := tincanchat.CreateListenSocket(address)
	var receivers, senders sync.WaitGroup
	for {
		clientSock, err := listenSock.Accept()
		if err != nil {
			break // the server was told to stop
		}
		sock, q := tincanchat.NewConn(clientSock), tincanchat.NewQueue()
		program.Printf("Connection from %s\n", sock.Addr)
		lock.Lock()
		sendQueues[sock] = q
		lock.Unlock()
		receivers.Go(func() { handleClientRecv(sock) })
		senders.Go(func() { handleClientSend(sock, q) })
	}
	receivers.Wait()
	lock.Lock()
	for _, q := range sendQueues {
		q.Close()
	}
	lock.Unlock()
	senders.Wait()
}
