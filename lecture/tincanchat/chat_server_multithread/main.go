// Chat_server_multithread passes each message on to all clients with two
// goroutines for each client: one receives, and the other sends what is in the
// client's queue.
//
// Source: Learning Python Network Programming, chat_server_multithread
//
// What to notice: a goroutine that waits for its client makes no other client
// wait, because each client has its own queue. All goroutines use the list of
// queues, so it has a lock. Because a goroutine holds the lock until a message
// is in all queues, all clients hear the messages in the same order.
//
// What to try: delete the lock, build with -race, and let two clients talk.
//
// What Go changes: goroutines instead of threads. The original may print a
// client's first message before "Connection from", and it never removes the
// queue of a client whose connection is reset. Its queues have no bound.
//
// The listing is long because either goroutine of a client may be the first to
// fail, and then the other has to end, too. Conn and Queue of package
// tincanchat have the rest: deadlines, and closing without a reset.
package main

import (
	"io"
	"sync"

	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/tincanchat"
)

var (
	lock       sync.Mutex
	sendQueues = map[*tincanchat.Conn]*tincanchat.Queue{} // with lock
)

// handleClientRecv receives a client's messages and broadcasts them, until the
// client stops sending.
func handleClientRecv(sock *tincanchat.Conn) {
	var err error
	for err == nil {
		var msgs []string
		msgs, err = sock.RecvMsgs()
		for i, msg := range msgs {
			msgs[i] = sock.Addr + ": " + msg
			tincanchat.PrintMsg(msgs[i])
		}
		broadcastMsg(msgs)
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
func broadcastMsg(msgs []string) {
	var data []byte
	for _, msg := range msgs {
		data = append(data, tincanchat.PrepMsg(msg)...)
	}
	lock.Lock()
	defer lock.Unlock()
	for sock, q := range sendQueues {
		if q.Put(data)+sock.Unsent() > lecture.MaxWaiting {
			q.Clear()
			disconnect(sock, lecture.ErrDoesNotRead)
		}
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
	address := tincanchat.ParseCommandLine("chat server using threads")
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
