// Package zen_utils contains the code of the conversation that all Zen servers
// share: a client asks about the Zen of Python and the server answers, until
// the client hangs up. Its functions are named after those of the book's
// module.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/zen_utils.py
//
// What to notice: a question may arrive in pieces, and several may arrive at
// once. RecvUntil returns them one by one.
//
// What Go changes: the answers to questions that arrive together leave
// together, in one write. A server takes two more options: -t, the time that a
// client has for a question, and -d, the time that an answer costs. It stops
// cleanly when it is told to.
package zen_utils

import (
	"fmt"
	"io"
	"net"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
)

// Aphorisms are the questions that have an answer, and their answers.
var Aphorisms = map[string]string{
	"Beautiful is better than?": "Ugly.",
	"Explicit is better than?":  "Implicit.",
	"Simple is better than?":    "Complex.",
}

// cost is the time that an answer takes, as -d says.
var cost time.Duration

// GetAnswer returns the answer to a Zen-of-Python aphorism. It takes as long as
// -d says, to simulate an expensive operation, and cuts that short when the
// server has to stop.
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

// ParseCommandLine parses a server's command line and returns the address to
// listen at. If the command line is wrong, the program ends with status 2.
func ParseCommandLine(description string) socket.Address {
	parser := argparse.New(description)
	host := parser.Argument("host", "IP or hostname ('' is every interface)")
	port := parser.Port("p", 1060, "TCP port (default %(default)s)")
	ParseOptions(parser)
	return socket.Address{Host: *host, Port: *port}
}

// ParseOptions parses a command line with the options that all Zen servers
// have, in addition to those that parser has already.
func ParseOptions(parser *argparse.Parser) {
	t := parser.Seconds("t", time.Minute,
		"how long to wait for a whole question"+
			" (default %(default)s, 0: for ever)")
	d := parser.Seconds("d", 0,
		"how long an answer takes (default %(default)s)")
	parser.Parse()
	socket.SetDefaultTimeout(*t)
	cost = *d
}

// CreateSrvSocket builds and returns a listening server socket. If it cannot,
// the program ends with status 1 and a line that says why.
func CreateSrvSocket(address socket.Address) *socket.Listener {
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	program.Printf("Listening at %v\n", listener.Address)
	return listener
}

// AcceptConnectionsForever answers incoming connections on a listening socket,
// one after the other, until the server is told to stop. The error is Accept's.
func AcceptConnectionsForever(listener *socket.Listener) error {
	for {
		sock, err := listener.Accept()
		if err != nil {
			return err
		}
		address := sock.RemoteAddr()
		program.Printf("Accepted connection from %s\n", pyfmt.Addr(address))
		HandleConversation(sock, address)
	}
}

// HandleConversation converses with a client over sock until they are done
// talking, prints how the conversation ended, and closes sock.
func HandleConversation(sock *socket.Conversation, address net.Addr) {
	defer sock.Close()
	var err error
	for err == nil {
		err = HandleRequest(sock)
	}
	printEnd(address, err)
}

func printEnd(address net.Addr, err error) {
	if err == io.EOF {
		program.Printf("Client socket to %s has closed\n", pyfmt.Addr(address))
	} else {
		program.Printf("Client %s error: %v\n", pyfmt.Addr(address), err)
	}
}

// HandleRequest receives a single client request on sock and sends the answer.
// Questions that arrived together are one request: their answers leave in one
// write. The error is RecvUntil's, or says what could not be sent, and what had
// been received of the next question.
func HandleRequest(sock *socket.Conversation) error {
	aphorism, err := RecvUntil(sock, '?')
	if err != nil {
		return err
	}
	sock.Reply = sock.Reply[:0]
	for aphorism != nil {
		sock.Reply = append(sock.Reply, GetAnswer(aphorism)...)
		aphorism, _ = sock.Received.Next('?', framing.Blanks)
	}
	if err := sock.SendAll(sock.Reply); err != nil {
		return framing.Ended(sock.Received.Rest(), err)
	}
	return nil
}

// RecvUntil receives bytes over sock until they end in suffix, and returns the
// message with its suffix. The message is valid until the next call. The white
// space before a message is skipped, so that you can type questions into
// telnet.
//
// The error is io.EOF if the peer hung up between messages. Otherwise it says
// what had been received and why no more came:
//
//	received b'Beautiful is better than' then socket closed
//	received b'Beautiful is better than' then timed out
func RecvUntil(sock *socket.Conversation, suffix byte) ([]byte, error) {
	for {
		message, err := sock.Received.Next(suffix, framing.Blanks)
		if message != nil || err != nil {
			return message, err
		}
		data, err := sock.Recv()
		if err != nil {
			return nil, framing.Ended(sock.Received.Rest(), err)
		}
		sock.Received.Feed(data)
	}
}
