// Package slides holds the upper-case service that half of the slides' listings
// share: it sends back in upper case whatever a client sends, as a datagram or
// as a line.
//
// Source: Network Programming Using Python, TCP UPPER-CASE SOCKETSERVER
//
// What to notice: over UDP, a request is what arrives in one call. Over TCP, it
// is a line, wherever the segments begin and end. So some function has to find
// the end of the line: ReadLine does.
//
// What Go changes: a client that hangs up without the empty line that ends a
// session sends the original into a loop that prints nothing for ever. Here the
// server reports this and every other fault in one line on stderr, and serves
// the next client. It prints bare what a client has sent, as in the slides, but
// it escapes control characters: a line cannot pass for two, nor clear the
// screen.
package slides

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// ErrNoEmptyLine is the error of a client that hung up between two lines. A
// session should end with an empty line.
var ErrNoEmptyLine = errors.New("hung up without an empty line")

// ParseCommandLine parses a command line that says where a server listens, in
// addition to what parser declares. The default host and port are those of
// address.
func ParseCommandLine(
	parser *argparse.Parser, address socket.Address,
) socket.Address {
	host := parser.OptionalArgument("host", address.Host,
		"IP or hostname (default '%(default)s')")
	port := parser.Port("p", address.Port,
		"port (default %(default)s)")
	parser.Parse()
	return socket.Address{Host: *host, Port: *port}
}

// ParseServerCommandLine parses the command line of a server. Its option -t
// limits the time that a client has for each line: see
// socket.SetDefaultTimeout. The empty host means every interface.
func ParseServerCommandLine(
	description string, address socket.Address,
) socket.Address {
	parser := argparse.New(description)
	t := parser.Seconds("t", time.Minute,
		"how long to wait for a whole line"+
			" (default %(default)s, 0: for ever)")
	address = ParseCommandLine(parser, address)
	socket.SetDefaultTimeout(*t)
	return address
}

// Announce prints the address of a server whose text does not announce one. It
// does so only for port 0, because then clients could not find the server
// otherwise.
func Announce(asked, listening socket.Address) {
	if asked.Port == 0 {
		program.Printf("Listening at %v\n", listening)
	}
}

// Listen opens the listener of a server and announces it. If it cannot, the
// program ends with status 1 and a line that says why.
func Listen(address socket.Address) *socket.Listener {
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	Announce(address, listener.Address)
	return listener
}

// Bind opens the UDP socket of a server and announces it. If it cannot, the
// program ends with status 1 and a line that says why.
func Bind(address socket.Address) *socket.UDPSocket {
	s, err := socket.BindUDP(address)
	if err != nil {
		program.Fail(fmt.Sprintf("bind to %v", address), err)
	}
	Announce(address, s.Address)
	return s
}

// HandleConversation is the handle method of the slides' UCHandler over TCP. It
// answers each line that a client sends over sock in upper case, until an empty
// line ends the session. Then it closes sock.
func HandleConversation(sock *socket.Conversation, address net.Addr) {
	program.Println("Connected:", pyfmt.Addr(address))
	client := NewLines(sock)
	defer client.Close()
	for {
		data, err := client.ReadLine()
		if err == nil && len(Chomp(data)) == 0 {
			return
		}
		if err == nil {
			program.Println(pyfmt.Bare(Chomp(data)))
			err = client.SendAll(pyfmt.Upper(data))
		}
		if err != nil {
			sayWhy(address, err)
			return
		}
	}
}

// sayWhy reports why a conversation ended without an empty line, unless the
// server ended it.
func sayWhy(address net.Addr, err error) {
	if err == io.EOF && program.Stopping().Err() != nil {
		return
	}
	if err == io.EOF {
		err = ErrNoEmptyLine
	}
	program.Complain("client "+pyfmt.Addr(address), err)
}
