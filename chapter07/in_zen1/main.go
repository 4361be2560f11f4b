// In_zen1 answers the Zen questions of one client and exits: inetd has accepted
// the connection, and starts the program once for each client (nowait).
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/in_zen1.py
//
// What to notice: the program neither listens nor accepts. Descriptor 0 is the
// connection, and there is nothing else for the program to do.
//
// What Go changes: descriptors 1 and 2 are the connection as well, so the
// client would receive all that the program prints. Package inetd points them
// elsewhere before main begins.
package main

import (
	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/inetd"
	"fopnp/internal/serve/program"
)

func main() {
	parser := argparse.New("single-shot server for the use of inetd")
	log := parser.String("l", "file", "/tmp/zen.log",
		"append the log to this file (default %(default)s)")
	zen_utils.ParseOptions(parser)
	inetd.Log(*log)
	sock := socket.Converse(inetd.Connection())
	address := sock.RemoteAddr()
	program.Printf("Accepted connection from %s\n", pyfmt.Addr(address))
	zen_utils.HandleConversation(sock, address)
}
