// Package zen_utils holds the conversation that all Zen servers share: a
// client asks about the Zen of Python, the server answers, until the client
// hangs up. The functions are the book's, one for one, under the names that Go
// makes of theirs.
//
// Source: fopnp py3/chapter07/zen_utils.py
//
// What to notice: a question may arrive in pieces, and several may arrive at
// once. RecvUntil returns them one by one, and the answers to all that came
// together leave together, in one write.
//
// What Go changes: besides its address a server takes the time that a client
// has for a question (-t) and the time that an answer costs (-d), and it stops
// in order when it is told to.
package zen_utils

import (
	"fmt"
	"io"
	"net"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/inetd"
	"fopnp/internal/serve/program"
)

// Aphorisms are the questions that have an answer, and their answers.
var Aphorisms = map[string]string{
	"Beautiful is better than?": "Ugly.",
	"Explicit is better than?":  "Implicit.",
	"Simple is better than?":    "Complex.",
}

// Timeout is the time that a client has for one question, as the command line
// says; 0 is for ever.
var Timeout = 60 * time.Second

// cost is the time that an answer takes, as the command line says.
var cost time.Duration

// GetAnswer returns the answer to a particular Zen-of-Python aphorism. It
// takes as long as -d says: no time, or that of an expensive operation, which
// is cut short when the server has to stop.
func GetAnswer(aphorism []byte) string {
	if cost > 0 {
		select {
		case <-time.After(cost):
		case <-program.Hurrying().Done():
		}
	}
	if answer, ok := Aphorisms[string(aphorism)]; ok {
		return answer
	}
	return "Error: unknown aphorism."
}

// GetAnswers is for servers that receive by themselves. It feeds data to the
// conversation's Framer and appends to answers those to all the questions that
// are now whole. The error, of a question that is too long, is the Framer's;
// the answers to those before it are not lost.
func GetAnswers(answers []byte, received *Framer, data []byte) ([]byte, error) {
	received.Feed(data)
	for {
		aphorism, err := received.Next('?')
		if aphorism == nil {
			return answers, err
		}
		answers = append(answers, GetAnswer(aphorism)...)
	}
}

// ParseCommandLine parses a server's command line and returns the address it
// shall listen at. A wrong call ends the program with status 2.
func ParseCommandLine(description string) socket.Address {
	parser := argparse.New(description)
	host := parser.Argument("host", "IP or hostname ('' is every interface)")
	port := parser.Port("p", 1060, "TCP port (default %(default)s)")
	parse(parser)
	return socket.Address{Host: *host, Port: *port}
}

// ParseInetdCommandLine parses the command line of a server that inetd starts:
// it is told the file to which it shall print, and not where it listens. The
// server may have added options of its own.
func ParseInetdCommandLine(parser *argparse.Parser) {
	log := parser.String("l", "file", "/tmp/zen.log",
		"append what happens to this file (default %(default)s)")
	parse(parser)
	inetd.Log(*log)
}

// parse adds the options that all servers have.
func parse(parser *argparse.Parser) {
	t := parser.Seconds("t", Timeout,
		"close a conversation that is silent so long"+
			" (default %(default)s, 0 never)")
	d := parser.Duration("d", cost,
		"the time an answer costs (default %(default)s)")
	parser.Parse()
	Timeout, cost = *t, *d
}

// CreateSrvSocket builds and returns a listening server socket, or ends the
// program with status 1 and a line that says why it cannot.
func CreateSrvSocket(address socket.Address) *socket.Listener {
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	fmt.Printf("Listening at %v\n", listener.Address)
	return listener
}

// AcceptConnectionsForever answers incoming connections on a listening socket,
// one after the other, until the server is told to stop or, if the socket has
// only so much patience, nobody has come for that time. The error is Accept's.
func AcceptConnectionsForever(listener *socket.Listener) error {
	for {
		sock, err := listener.Accept()
		if err != nil {
			return err
		}
		address := sock.RemoteAddr()
		fmt.Printf("Accepted connection from %s\n", pyfmt.Addr(address))
		HandleConversation(sock, address)
	}
}

// HandleConversation converses with a client over sock until they are done
// talking, says how it ended, and closes sock.
func HandleConversation(sock net.Conn, address net.Addr) {
	client := NewSocket(sock, Timeout)
	defer client.Close()
	for {
		if err := HandleRequest(client); err != nil {
			sayGoodbye(address, err)
			return
		}
	}
}

// sayGoodbye says how a conversation ended.
func sayGoodbye(address net.Addr, why error) {
	if why == io.EOF {
		fmt.Printf("Client socket to %s has closed\n", pyfmt.Addr(address))
	} else {
		fmt.Printf("Client %s error: %v\n", pyfmt.Addr(address), why)
	}
}

// HandleRequest receives a single client request on sock and sends the answer.
// Its errors are RecvUntil's.
func HandleRequest(sock *Socket) error {
	aphorism, err := RecvUntil(sock, '?')
	if err != nil {
		return err
	}
	sock.SendAll(GetAnswer(aphorism))
	return nil
}

// RecvUntil returns the next message on sock, up to and including its suffix.
// The message is valid until the next call. The time for it, sock's timeout,
// begins when RecvUntil finds that it must wait, and all that SendAll has
// collected is sent before it does.
//
// The error is io.EOF when the other side hung up between messages, and says
// what was received when it did so in the middle of one:
//
//	received b'Beautiful is better than' then socket closed
//
// It is the reason when the connection broke, "timed out" when the time was
// over, and names what could not be sent, if that is what failed.
func RecvUntil(sock *Socket, suffix byte) ([]byte, error) {
	message, err := sock.framer.Next(suffix)
	if message == nil && err == nil && sock.full {
		message, err = sock.receiveMore(suffix)
	}
	if message != nil || err != nil {
		return message, err
	}
	sock.startClock()
	if err = sock.flush(); err == nil && sock.broken != nil {
		message, err = sock.received(0, sock.broken, suffix)
	}
	for message == nil && err == nil {
		n, why := sock.conn.Read(sock.buffer)
		message, err = sock.received(n, why, suffix)
	}
	sock.stopClock()
	return message, err
}
