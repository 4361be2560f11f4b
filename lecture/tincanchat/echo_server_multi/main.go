// Echo_server_multi echoes one message to each client, with the client's
// address in front of it, and has a thread for each client, so no client waits
// for another.
//
// Source: Learning Python Network Programming, echo_server_multi
//
// What to notice: handleClient is the same as in echo_server_uni, except that
// the echo begins with the address. Main starts a thread for it and goes on to
// accept the next client.
//
// What to try: start echo_client_uni as often as you like.
//
// What Go changes: a thread is a goroutine. The original starts the thread
// before it prints "Connection from", so the message may come first, and its
// threads may mix their lines. When the original is told to stop, it leaves its
// clients without an echo.
package main

import (
	"sync"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture/tincanchat"
)

// handleClient receives a message from the client and echoes it back.
func handleClient(sock *socket.Conversation) {
	addr := pyfmt.Addr(sock.RemoteAddr())
	msg, rest, err := tincanchat.RecvMsg(sock)
	if err == nil {
		msg = addr + ": " + msg
		tincanchat.PrintMsg(msg)
		err = sock.SendAll(tincanchat.PrepMsg(msg))
	}
	if err != nil {
		program.Println("Socket error")
	}
	tincanchat.Complain(sock.RemoteAddr(), rest, err)
	program.Printf("Closed connection to %s\n", addr)
	sock.Close()
}

func main() {
	address := tincanchat.ParseCommandLine("echo server")
	listenSock := tincanchat.CreateListenSocket(address)
	var threads sync.WaitGroup
	for {
		clientSock, err := listenSock.Accept()
		if err != nil {
			break // the server was told to stop
		}
		addr := pyfmt.Addr(clientSock.RemoteAddr())
		program.Println("Connection from", addr)
		threads.Go(func() { handleClient(clientSock) })
	}
	threads.Wait()
}
