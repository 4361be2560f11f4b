// Package slides holds the upper-case service that half of the slides' listings
// share: whatever a client sends, as a datagram or as a line, comes back in
// upper case.
//
// Source: Network Programming Using Python, TCP UPPER-CASE SOCKETSERVER
//
// What to notice: over UDP a request is what arrives in one call. Over TCP it
// is a line, wherever the segments begin and end, so somebody has to look for
// the end of it: ReadLine does.
//
// What Go changes: a client who hangs up without the empty line that ends a
// session sends the original into a loop that prints nothing for ever. Here
// that is reported, as is any other fault, in one line on stderr, and the next
// client is served. What a client has sent prints bare, as in the slides, but
// control characters are escaped: a line cannot pass for two, nor clear the
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

// ErrNoEmptyLine is what a client has done who hung up between two lines: a
// session ends with an empty one.
var ErrNoEmptyLine = errors.New("hung up without an empty line")

// ParseCommandLine parses a command line that says where a server listens, and
// otherwise only what was declared in parser. The host and the port are those
// of address when they are left out.
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

// ParseServerCommandLine parses the command line of a TCP server. Its option -t
// is the time that a client has for each line: see socket.SetDefaultTimeout.
// The empty host is every interface.
func ParseServerCommandLine(
	description string, address socket.Address,
) socket.Address {
	parser := argparse.New(description)
	t := parser.Seconds("t", time.Minute,
		"close a connection that is silent this long"+
			" (default %(default)s, 0 never)")
	address = ParseCommandLine(parser, address)
	socket.SetDefaultTimeout(*t)
	return address
}

// Announce says where a server listens whose text does not say so, if it was
// asked to listen at port 0: nobody could find it otherwise.
func Announce(asked, listening socket.Address) {
	if asked.Port == 0 {
		program.Printf("Listening at %v\n", listening)
	}
}

// Listen opens the listener of a server, and announces it. If it cannot be
// opened, the program ends with status 1 and a line that says why.
func Listen(address socket.Address) *socket.Listener {
	listener, err := socket.Listen(address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	Announce(address, listener.Address)
	return listener
}

// Bind opens the UDP socket of a server. For the rest see Listen.
func Bind(address socket.Address) *socket.UDPSocket {
	s, err := socket.BindUDP(address)
	if err != nil {
		program.Fail(fmt.Sprintf("bind to %v", address), err)
	}
	Announce(address, s.Address)
	return s
}

// HandleConversation is the handle method of the same over TCP: it answers each
// line that a client sends over sock in upper case, until an empty one ends the
// session, and closes sock.
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

// sayWhy says why a conversation ended without an empty line, unless it is the
// server who ends it.
func sayWhy(address net.Addr, err error) {
	if err == io.EOF && program.Stopping().Err() != nil {
		return
	}
	if err == io.EOF {
		err = ErrNoEmptyLine
	}
	program.Complain("client "+pyfmt.Addr(address), err)
}
