package basics

import (
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/socket"
	"fopnp/lecture"
)

// ParseFileCommandLine parses the command line of a client that gets a file. It
// returns the server's address, what -t says (see lecture.TimeoutOption), the
// name of the file on the server, and where to save it. The defaults are those
// of the arguments.
func ParseFileCommandLine(
	description string, server socket.Address, remote, local string,
) (address socket.Address, timeout time.Duration, name, file string) {
	parser := argparse.New(description)
	host := parser.OptionalArgument("host", server.Host,
		"IP or hostname (default '%(default)s')")
	n := parser.OptionalArgument("name", remote,
		"the file to get, below the server's folder (default '%(default)s')")
	o := parser.Path("o", "file", local,
		"save the file under this name (default '%(default)s')")
	t := lecture.TimeoutOption(parser, time.Minute)
	port := parser.Port("p", server.Port, "port (default %(default)s)")
	parser.Parse()
	return socket.Address{Host: *host, Port: *port}, *t, *n, *o
}
