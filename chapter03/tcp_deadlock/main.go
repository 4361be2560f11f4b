// Tcp_deadlock deadlocks if you send enough: the client receives nothing until
// it has sent everything, and the server sends each piece back before it reads
// the next.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter03/tcp_deadlock.py
//
// What to notice: 16 bytes come back, and so do 160,000. Bytes that are not
// read wait in the kernel's buffers, and these are large. Once they are full,
// both counters stand still.
//
// What to try: with -fix, the client receives while it sends, and any number of
// bytes comes back. The difference is one if statement.
//
// What Go changes: both sides close a connection that stalls for a minute (-t),
// which ends the deadlock. Ctrl-C ends it at once.
package main

import (
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/socket"
)

func main() {
	parser := argparse.New("Get deadlocked over TCP")
	role := parser.Choice("role", []string{"client", "server"},
		"which role to play")
	host := parser.Argument("host",
		"interface the server listens at; host the client sends to")
	bytecount := parser.OptionalCount("bytecount", 16,
		"number of bytes for client to send (default %(default)s)")
	port := parser.Port("p", 1060, "TCP port (default %(default)s)")
	t := parser.Seconds("t", time.Minute,
		"how long to wait for the peer (default %(default)s, 0: for ever)")
	fix := parser.Flag("fix", "client: receive while sending")
	parser.Parse()
	address := socket.Address{Host: *host, Port: *port}
	if *role == "server" {
		socket.SetDefaultTimeout(*t)
		server(address)
	} else {
		client(address, *bytecount, *t, *fix)
	}
}
