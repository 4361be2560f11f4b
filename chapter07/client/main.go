// Client asks a Zen server the three questions that it can answer, in random
// order, and prints each with its answer.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/client.py
//
// What to notice: the client sends a question only when it has the answer to
// the previous one. It never learns that the servers would take all three at
// once.
//
// What to try: with -e it sends a question without its question mark and hangs
// up. The seven servers report that in three different ways.
package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

func client(address socket.Address, timeout time.Duration, causeError bool) {
	sock, err := socket.Connect(address, timeout)
	if err != nil {
		program.Fail(fmt.Sprintf("connect to %v", address), err)
	}
	aphorisms := slices.Sorted(maps.Keys(zen_utils.Aphorisms))
	if causeError {
		sock.SendAll([]byte(aphorisms[0][:len(aphorisms[0])-1]))
		sock.Close()
		return
	}
	for _, i := range rand.Perm(len(aphorisms)) {
		aphorism := []byte(aphorisms[i])
		if err := sock.SendAll(aphorism); err != nil {
			program.Fail("send", err)
		}
		answer, err := zen_utils.RecvUntil(sock, '.')
		if err != nil {
			program.Fail("no answer to "+pyfmt.Bytes(aphorism), err)
		}
		fmt.Println(pyfmt.Bytes(aphorism), pyfmt.Bytes(answer))
	}
	sock.Close()
}

func main() {
	parser := argparse.New("example client")
	host := parser.Argument("host", "IP or hostname")
	port := parser.Port("p", 1060, "TCP port (default %(default)s)")
	t := parser.Seconds("t", time.Minute,
		"how long to wait for the server (default %(default)s, 0: for ever)")
	e := parser.Flag("e", "cause an error")
	parser.Parse()
	client(socket.Address{Host: *host, Port: *port}, *t, *e)
}
