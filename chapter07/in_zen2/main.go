// In_zen2 answers Zen questions of one client after the other until none has
// come for eight seconds: inetd listens, and starts the program when somebody
// comes and it does not run (wait).
//
// Source: fopnp py3/chapter07/in_zen2.py
//
// What to notice: descriptor 0 is the listener, so from its first client on
// this is srv_single. Whoever comes just as it leaves waits in the listener's
// queue, where inetd finds them and starts the next.
//
// What to try: -w 2 leaves after two seconds.
//
// What Go changes: see in_zen1.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/argparse"
	"fopnp/internal/serve/inetd"
)

func main() {
	parser := argparse.New("multi-shot server for the use of inetd")
	wait := parser.Seconds("w", 8*time.Second,
		"leave when nobody has come for so long (default %(default)s, 0 never)")
	log := parser.String("l", "file", "/tmp/zen.log",
		"append what happens to this file (default %(default)s)")
	zen_utils.ParseOptions(parser)
	inetd.Log(*log)
	listener := inetd.Listener()
	listener.Patience = *wait
	err := zen_utils.AcceptConnectionsForever(listener)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		fmt.Printf("Waited %v seconds with no further connections;"+
			" shutting down\n", wait.Seconds())
	}
	listener.Close()
}
