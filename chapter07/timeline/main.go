// Timeline draws a chart of six clients that ask a slow Zen server three
// questions each: when each one waits, and when it is served.
//
// What to notice: each line is a client, in order of arrival. You see an
// architecture at a glance: the steps of srv_single, the two blocks of
// srv_threaded, the lines of an event loop, which serves every client a little
// at a time, and those of srv_legacy1, where no client waits.
//
// What to try: change the time that an answer takes, with -d.
package main

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/measured/timeline"
	"fopnp/internal/py/argparse"
	"fopnp/internal/serve/program"
)

func main() {
	parser := argparse.New(
		"draw who waits for a Zen server and who is being served")
	server := parser.Argument("server",
		"a server of this chapter, such as srv_threaded")
	cost := parser.Seconds("d", 100*time.Millisecond,
		"how long an answer takes (default %(default)s)")
	parser.Parse()

	if !slices.Contains(zenbench.Servers, *server) {
		program.Fail(*server, fmt.Errorf("not one of %s",
			strings.Join(zenbench.Servers, ", ")))
	}
	process, port, err := timeline.Start(
		"chapter07/"+*server, os.Stderr, "-d", cost.String())
	if err != nil {
		program.Fail(*server, err)
	}
	chart, err := zenbench.RecordTimeline(
		*server, net.JoinHostPort("127.0.0.1", port), *cost)
	process.Kill()
	if err != nil {
		program.Fail(*server, err)
	}
	fmt.Printf("%s: # is being served, . waits; an answer takes %v\n%v",
		*server, *cost, chart)
}
