// Package lecture holds the supporting code that the programs of all four texts
// share: command lines, connecting and listening, announcements, prompts,
// progress bars, and lines of bounded length.
package lecture

import (
	"fmt"
	"io"
	"net"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/folder"
	"fopnp/internal/serve/program"
)

// ParseCommandLine parses the command line of a client, which says where the
// server is, in addition to what parser declares. The default host and port are
// those of address.
func ParseCommandLine(
	parser *argparse.Parser, address socket.Address,
) socket.Address {
	return parseAddress(parser, address, "IP or hostname")
}

// ParseServerAddress parses the command line of a server, which says where it
// listens, as ParseCommandLine does that of a client. The empty host means every
// interface.
func ParseServerAddress(
	parser *argparse.Parser, address socket.Address,
) socket.Address {
	return parseAddress(parser, address,
		"where to listen: IP or hostname, '' for every interface")
}

func parseAddress(
	parser *argparse.Parser, address socket.Address, hostHelp string,
) socket.Address {
	host := parser.OptionalArgument("host", address.Host,
		hostHelp+" (default '%(default)s')")
	port := parser.Port("p", address.Port,
		"port (default %(default)s)")
	parser.Parse()
	return socket.Address{Host: *host, Port: *port}
}

// ParseServerCommandLine parses the command line of a server that has no
// options of its own. See ParseServerOptions.
func ParseServerCommandLine(
	description string, address socket.Address,
) socket.Address {
	return ParseServerOptions(argparse.New(description), address)
}

// ParseServerOptions parses the command line of a server, in addition to what
// parser declares: that of ParseServerAddress, and the option -t, which limits
// the time that a client has for each message: see socket.SetDefaultTimeout.
func ParseServerOptions(
	parser *argparse.Parser, address socket.Address,
) socket.Address {
	t := parser.Seconds("t", time.Minute,
		"how long a client may take to finish a message,"+
			" or to receive one (default %(default)s, 0: for ever)")
	address = ParseServerAddress(parser, address)
	socket.SetDefaultTimeout(*t)
	return address
}

// ParseClientCommandLine parses the command line of a client that has no
// options of its own. It returns the server's address and what -t says: see
// TimeoutOption. The default host and port are those of address.
func ParseClientCommandLine(
	description string, address socket.Address,
) (socket.Address, time.Duration) {
	parser := argparse.New(description)
	t := TimeoutOption(parser, time.Minute)
	address = ParseCommandLine(parser, address)
	return address, *t
}

// TimeoutOption declares the option -t of a client, which limits how long the
// client waits for the server. 0 is no limit.
func TimeoutOption(
	parser *argparse.Parser, timeout time.Duration,
) *time.Duration {
	return parser.Seconds("t", timeout,
		"how long to wait for the server"+
			" (default %(default)s, 0: for ever)")
}

// Connect connects a client to its server, which then has timeout for each
// message: see socket.Connect. If it cannot, the program ends with status 1 and
// a line that says why.
func Connect(
	address socket.Address, timeout time.Duration,
) *socket.Conversation {
	s, err := socket.Connect(address, timeout)
	if err != nil {
		program.Fail(fmt.Sprintf("connect to %v", address), err)
	}
	return s
}

// Announce prints the address of a server whose original prints none. It does
// so only for port 0, because otherwise clients could not find the server.
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

// Complain reports a client's fault on stderr, in one line that names the
// client. It says nothing about a client that left because the server stops.
func Complain(client net.Addr, err error) {
	if err == io.EOF && program.Stopping().Err() != nil {
		return
	}
	program.Complain("client "+pyfmt.Addr(client), err)
}

// OpenFolder opens the folder whose files a server sends. If it cannot, the
// program ends with status 1 and a line that says why.
func OpenFolder(name string) *folder.Folder {
	files, err := folder.Open(name)
	if err != nil {
		program.Fail("open folder "+pyfmt.Bare([]byte(name)), err)
	}
	return files
}
