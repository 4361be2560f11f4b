// In_zen2 answers the Zen questions of one client after another, and exits when
// no client has come for eight seconds: inetd listens, and starts it again for
// the next client (wait).
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/in_zen2.py
//
// What to notice: descriptor 0 is the listener, so from the first client on,
// the program works like srv_single. A client that comes while the program
// exits waits in the listener's queue. Inetd finds it there and starts the
// program again.
//
// What to try: with -w 2, it exits after two seconds without a client.
//
// What Go changes: see in_zen1.
package main

import (
	"errors"
	"os"
	"time"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/argparse"
	"fopnp/internal/serve/inetd"
	"fopnp/internal/serve/program"
)

func main() {
	parser := argparse.New("multi-shot server for the use of inetd")
	log := parser.String("l", "file", "/tmp/zen.log",
		"append the log to this file (default %(default)s)")
	wait := parser.Seconds("w", 8*time.Second,
		"how long to wait for a client (default %(default)s, 0: for ever)")
	zen_utils.ParseOptions(parser)
	inetd.Log(*log)
	listener := inetd.Listener()
	listener.Patience = *wait
	err := zen_utils.AcceptConnectionsForever(listener)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		program.Printf("Waited %v seconds with no further connections;"+
			" shutting down\n", wait.Seconds())
	}
	listener.Close()
}
