// In_zen1 answers the Zen questions of one client and ends: inetd has accepted
// the connection, and starts the program once for each client (nowait).
//
// Source: fopnp py3/chapter07/in_zen1.py
//
// What to notice: the program neither listens nor accepts. Descriptor 0 is the
// conversation, and there is nothing else for it to do.
//
// What Go changes: descriptors 1 and 2 are the client as well, so anything that
// is printed would reach it. Package inetd points them at the log before
// anything can be.
package main

import (
	"fmt"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/inetd"
)

func main() {
	parser := argparse.New("single-shot server for the use of inetd")
	log := parser.String("l", "file", "/tmp/zen.log",
		"append what happens to this file (default %(default)s)")
	zen_utils.ParseOptions(parser)
	inetd.Log(*log)
	sock := socket.Converse(inetd.Conversation())
	address := sock.RemoteAddr()
	fmt.Printf("Accepted connection from %s\n", pyfmt.Addr(address))
	zen_utils.HandleConversation(sock, address)
}
