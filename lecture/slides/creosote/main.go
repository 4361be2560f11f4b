// Creosote carries debug output to another machine: it sends ("spews") the
// words that you give it as datagrams; without words, it is the bucket, which
// prints what others send.
//
// Source: Network Programming Using Python, CREOSOTE OUTPUT and CREOSOTE INPUT
//
// What to notice: a slow bucket never holds up a program that spews, nor does a
// missing one. The program seldom learns that the bucket is missing, because
// only its second datagram is refused. The bucket loses what arrives faster
// than it can receive, so it receives in one goroutine and prints in another.
// When it stops, it says how many datagrams it has received. It cannot know how
// many were sent.
//
// What to try: start two buckets on one machine, the first with -r
// localhost:7740, the second with -p 7740.
//
// What Go changes: an empty message is a datagram, too. The bucket opens its
// log for every append, so it begins a new log if you move the old one away. It
// does not redirect to itself. It does not send back what came from the bucket
// that it redirects to, so two buckets that redirect to each other do not loop.
// It cannot see a ring of three, or that two addresses belong to one remote
// host. So on Linux, no datagram is redirected more than seven times.
package main

import (
	"bytes"
	"fmt"
	"strings"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture/slides"
)

const (
	bufsize = 1024
	port    = 7739
)

// spew sends a message in as many datagrams as it takes, but at least one.
func spew(message []byte, address socket.Address) {
	s, err := socket.ConnectUDP(address, 0)
	for err == nil {
		n := min(len(message), bufsize)
		err = s.Send(message[:n])
		message = message[n:]
		if len(message) == 0 {
			break
		}
	}
	if err != nil {
		program.Fail(fmt.Sprintf("spew to %v", address), err)
	}
}

// bucket prints each datagram that arrives at address in one line, until it is
// told to stop. It also appends the lines to log, and redirects the datagrams.
func bucket(address socket.Address, log program.Log, redirectTo string) {
	s, err := socket.BindUDP(address)
	if err != nil {
		program.Fail(fmt.Sprintf("bind to %v", address), err)
	}
	redirect, err := slides.NewRedirect(s, redirectTo, port)
	if err != nil {
		program.Fail("redirect to "+pyfmt.Bare([]byte(redirectTo)), err)
	}
	program.Println("waiting on port:", s.Address.Port)
	queue := make(chan []byte, 1<<14)
	go receive(s, queue, redirect)

	logFile := pyfmt.Bare([]byte(log.Path))
	var lines []byte
	var logging socket.Backoff
	received := 0
	for data := range queue {
		received++
		lines = append(lines, pyfmt.Unquoted(data)+"\n"...)
		if len(queue) > 0 && len(lines) < 1<<16 {
			continue // one write for all that have arrived
		}
		logging.Tried("append to "+logFile, log.Append(lines))
		program.Printf("%s", lines)
		lines = lines[:0]
	}
	program.Complain("datagrams received", fmt.Errorf("%d", received))
}

// receive queues what arrives at s, and redirects it.
func receive(
	s *socket.UDPSocket, queue chan<- []byte, redirect *slides.Redirect,
) {
	defer close(queue)
	for {
		data, addr, err := s.RecvFrom(bufsize)
		if err != nil {
			return // the bucket was told to stop
		}
		queue <- bytes.Clone(data)
		redirect.Send(data, addr)
	}
}

func main() {
	parser := argparse.New("Mr. Creosote, a remote debugger")
	h := parser.String("H", "host", "",
		"spew to this host (default this one);"+
			" bucket: listen at it (default '%(default)s')")
	p := parser.Port("p", port, "UDP port (default %(default)s)")
	l := parser.String("l", "file", "", "bucket: also append to this file")
	r := parser.String("r", "host", "",
		"bucket: redirect to the bucket at host or host:port")
	words := parser.Words("word", "words to spew; without words, be the bucket")
	parser.Parse()
	address := socket.Address{Host: *h, Port: *p}
	if len(*words) > 0 {
		spew([]byte(strings.Join(*words, " ")), address)
		return
	}
	log := program.Log{Path: *l}
	if err := log.Append(nil); err != nil {
		program.Fail("append to "+pyfmt.Bare([]byte(*l)), err)
	}
	bucket(address, log, *r)
}
