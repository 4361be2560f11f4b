// Echo_server_uni echoes one message to each client, one client at a time: the
// next client waits until the server has closed the connection to the one
// before.
//
// Source: Learning Python Network Programming, echo_server_uni
//
// What to notice: the server only responds. It says nothing until a client has
// sent a whole message, which ends in a NUL byte.
//
// What to try: start echo_client_uni twice. Both are connected, but only the
// first gets an echo. The second gets its echo when the first has left.
//
// What Go changes: in the original, an empty message hangs the server, a byte
// that is not UTF-8 ends it, and two messages in one segment are a single one
// with a NUL inside. Here the first is echoed, and a line on stderr names the
// second.
package main

import (
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
		tincanchat.PrintMsg(addr + ": " + msg)
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
	for {
		clientSock, err := listenSock.Accept()
		if err != nil {
			return // the server was told to stop
		}
		addr := pyfmt.Addr(clientSock.RemoteAddr())
		program.Println("Connection from", addr)
		handleClient(clientSock)
	}
}
