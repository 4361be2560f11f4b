// Tcp_sixteen sends sixteen octets each way over TCP, and reads until all
// sixteen have arrived, in however many pieces.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter03/tcp_sixteen.py
//
// What to notice: the server has two kinds of sockets, one that only listens
// and one for each client. And a Read returns any number of octets, so recvall
// reads on until it has sixteen.
//
// What to try: send fewer than sixteen octets with telnet, and leave.
//
// What Go changes: the loop of recvall is io.ReadFull. A client that leaves too
// soon is reported, and the next one is served. The original dies.
package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// recvall receives length bytes, however many pieces they come in.
func recvall(sock io.Reader, length int) ([]byte, error) {
	data := make([]byte, length)
	n, err := io.ReadFull(sock, data)
	if err == nil {
		return data, nil
	}
	why := ": " + program.Why(err)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		why = " before the socket closed"
	}
	return nil, fmt.Errorf(
		"was expecting %d bytes but only received %d bytes%s", length, n, why)
}

func server(address socket.Address) {
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	program.Printf("Listening at %v\n", listener.Address)
	for {
		program.Println("Waiting to accept a new connection")
		sc, err := listener.Accept()
		if err != nil {
			return // the server was told to stop
		}
		sockname := pyfmt.Addr(sc.RemoteAddr())
		program.Printf("We have accepted a connection from %s\n", sockname)
		if err := converse(sc); err != nil {
			program.Complain("client "+sockname, err)
		}
		sc.Close()
	}
}

func converse(sc *socket.Conversation) error {
	program.Printf("  Socket name: %s\n", pyfmt.Addr(sc.LocalAddr()))
	program.Printf("  Socket peer: %s\n", pyfmt.Addr(sc.RemoteAddr()))
	message, err := recvall(sc, 16)
	if err != nil {
		return err
	}
	program.Printf("  Incoming sixteen-octet message: %s\n",
		pyfmt.Bytes(message))
	if err := sc.SendAll([]byte("Farewell, client")); err != nil {
		return err
	}
	sc.Close()
	program.Println("  Reply sent, socket closed")
	return nil
}

func client(address socket.Address, timeout time.Duration) {
	sock, err := socket.Connect(address, timeout)
	if err != nil {
		program.Fail(fmt.Sprintf("connect to %v", address), err)
	}
	fmt.Printf("Client has been assigned socket name %s\n",
		pyfmt.Addr(sock.LocalAddr()))
	if err := sock.SendAll([]byte("Hi there, server")); err != nil {
		program.Fail("send", err)
	}
	reply, err := recvall(sock, 16)
	if err != nil {
		program.Fail("no reply", err)
	}
	fmt.Printf("The server said %s\n", pyfmt.Bytes(reply))
	sock.Close()
}

func main() {
	parser := argparse.New("Send and receive over TCP")
	role := parser.Choice("role", []string{"client", "server"},
		"which role to play")
	host := parser.Argument("host",
		"interface the server listens at; host the client sends to")
	port := parser.Port("p", 1060, "TCP port (default %(default)s)")
	t := parser.Seconds("t", time.Minute,
		"how long to wait for the peer (default %(default)s, 0: for ever)")
	parser.Parse()
	address := socket.Address{Host: *host, Port: *port}
	if *role == "server" {
		socket.SetDefaultTimeout(*t)
		server(address)
	} else {
		client(address, *t)
	}
}
