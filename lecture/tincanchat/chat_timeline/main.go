// Chat_timeline draws a chart of six clients that speak in turn on a chat
// server: who speaks, and when each client has received the message.
//
// What to notice: each line is a client. A message reaches all of them at
// almost the same time. With -s, one more client never reads. The messages that
// wait for that client do not hold up the others.
//
// What to try: compare the servers. Then take the client queues out of one: its
// other clients wait for the client that never reads.
package main

import (
	"fmt"
	"slices"
	"strings"

	"fopnp/internal/py/argparse"
	"fopnp/internal/serve/program"
	"fopnp/lecture/internal/chatbench"
)

func main() {
	parser := argparse.New(
		"draw who speaks in a chat and when each client has the message")
	server := parser.Argument("server",
		"a chat server of this chapter, such as chat_server_poll")
	stuck := parser.Flag("s", "add a client that never reads (stuck)")
	parser.Parse()

	if !slices.Contains(chatbench.Servers, *server) {
		program.Fail(*server, fmt.Errorf("not one of %s",
			strings.Join(chatbench.Servers, ", ")))
	}
	chart, err := chatbench.RecordTimeline(
		"lecture/tincanchat", *server, *stuck)
	if err != nil {
		program.Fail(*server, err)
	}
	fmt.Printf("%s: S speaks, . waits, * has the message", *server)
	if *stuck {
		fmt.Print(", x is disconnected")
	}
	fmt.Printf("\n%v%s\n", chart, chart.Summary())
}
