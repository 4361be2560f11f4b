// Creosote carries debug output to another machine: given words, it spews them
// as datagrams; given none, it is the bucket, which prints what anybody spews.
//
// Source: Network Programming Using Python, CREOSOTE OUTPUT and CREOSOTE INPUT
//
// What to notice: who spews is not held up, by a slow bucket or by none, and
// seldom learns that nobody was there: one datagram is gone before anybody can
// say so, and only a second is refused. What comes faster than the bucket takes
// it is lost. So it takes in one goroutine and prints in another, and at the
// end says how much it has received; how much was sent it cannot know.
//
// What to try: two buckets on one machine, the first with -r localhost:7740,
// the second with -p 7740.
//
// What Go changes: a message without a byte is a datagram, too. The log is
// opened anew for whatever there is to append, so that one that was moved away,
// as logs are, is begun again. A datagram does not go back to the bucket that
// it came from, so two that redirect to each other do not do so for ever.
package main

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

const (
	bufsize = 1024
	port    = 7739
)

// spew sends a message in as many datagrams as it takes, but at least one.
func spew(message []byte, address socket.Address) {
	s, err := socket.ConnectUDP(address)
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

// bucket prints what is sent to address, one line a datagram, and appends it to
// the log, until it is told to stop.
func bucket(address socket.Address, log string, redirect netip.AddrPort) {
	s, err := socket.BindUDP(address)
	if err != nil {
		program.Fail(fmt.Sprintf("bind to %v", address), err)
	}
	program.Println("waiting on port:", s.Address.Port)
	queue := make(chan []byte, 1<<14)
	go receive(s, queue, redirect)

	var lines []byte
	var logging socket.Backoff
	received := 0
	for data := range queue {
		received++
		lines = append(lines, pyfmt.Unquoted(data)+"\n"...)
		if len(queue) > 0 && len(lines) < 1<<16 {
			continue // one write for all that came meanwhile
		}
		logging.Tried("append to "+log, appendTo(log, lines))
		program.Printf("%s", lines)
		lines = lines[:0]
	}
	program.Complain("datagrams received", fmt.Errorf("%d", received))
}

// receive queues what arrives at s, and sends it on to the bucket that it is to
// be redirected to, if there is one.
func receive(
	s *socket.UDPSocket, queue chan<- []byte, redirect netip.AddrPort,
) {
	defer close(queue)
	var redirecting socket.Backoff
	for {
		data, addr, err := s.RecvFrom(bufsize)
		if err != nil {
			return // the bucket was told to stop
		}
		queue <- bytes.Clone(data)
		if redirect.IsValid() && addr != redirect {
			redirecting.Tried("redirect to "+pyfmt.AddrPort(redirect),
				s.SendTo(data, redirect))
		}
	}
}

// appendTo appends lines to the file with the name log, if it has one.
func appendTo(log string, lines []byte) error {
	if log == "" {
		return nil
	}
	f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(lines)
	return err
}

// resolve returns the address of the bucket name, HOST or HOST:PORT.
func resolve(name string) netip.AddrPort {
	host, p, err := net.SplitHostPort(name)
	if err != nil {
		host, p = name, strconv.Itoa(port)
	}
	addr, err := net.ResolveUDPAddr("udp", net.JoinHostPort(host, p))
	if err != nil {
		program.Fail("redirect to "+name, err)
	}
	ip := addr.AddrPort().Addr().Unmap()
	return netip.AddrPortFrom(ip, uint16(addr.Port))
}

func main() {
	parser := argparse.New("Mr. Creosote, a remote debugger")
	h := parser.String("H", "host", "", "spew to this host (default this one);"+
		" the bucket listens at it (default '%(default)s')")
	p := parser.Port("p", port, "UDP port (default %(default)s)")
	l := parser.String("l", "file", "", "the bucket appends to this file, too")
	r := parser.String("r", "host", "",
		"the bucket redirects to the one at host, or host:port")
	words := parser.Words("word", "what to spew; without any, be the bucket")
	parser.Parse()
	address := socket.Address{Host: *h, Port: *p}
	if len(*words) > 0 {
		spew([]byte(strings.Join(*words, " ")), address)
		return
	}
	if err := appendTo(*l, nil); err != nil {
		program.Fail("append to "+*l, err)
	}
	var redirect netip.AddrPort
	if *r != "" {
		redirect = resolve(*r)
	}
	bucket(address, *l, redirect)
}
