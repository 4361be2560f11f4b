package nettools

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// PingMain sends ICMP echo requests to a host and prints how long each answer
// takes. It stops after -c requests, after -w seconds or at Ctrl-C, and then
// prints statistics. Its status is 0 if an answer came, 1 if none came or,
// with both -c and -w, fewer than COUNT came, and 2
// after any other error. It needs no privilege if the user's group is in
// net.ipv4.ping_group_range. It uses IPv4 unless the host has only IPv6.
//
// Source: ping(8) of iputils
func PingMain(args []string) int {
	t := newTool("ping", "[-46nq] [-c COUNT] [-i SECONDS] [-s SIZE] [-t TTL] [-W SECONDS] [-w SECONDS] HOST")
	p := &ping{tool: t, sent: map[uint16]time.Time{}}
	only4 := t.BoolP("ipv4", "4", false, "use only IPv4")
	only6 := t.BoolP("ipv6", "6", false, "use only IPv6")
	t.IntVarP(&p.count, "count", "c", 0, "stop after `COUNT` requests (0: never)")
	interval := t.seconds("i", time.Second, "time between two requests")
	numeric := t.BoolP("numeric", "n", false, "do not look up the names of addresses")
	t.BoolVarP(&p.quiet, "quiet", "q", false, "print only the statistics")
	t.IntVarP(&p.size, "size", "s", 56, "send `SIZE` bytes of data, 0 to 65507")
	ttl := t.IntP("ttl", "t", 64, "how many hops a request may take, 1 to 255")
	patience := t.seconds("W", 10*time.Second, "after the last request, how long to wait if no answer has come")
	limit := t.seconds("w", 0, "stop after this time (0: never)")
	if status, ok := t.parse(args, 1, 1); !ok {
		return status
	}
	if p.count < 0 || p.size < 0 || p.size > 65507 || *ttl < 1 || *ttl > 255 {
		fmt.Fprint(os.Stderr, "ping: a number is out of range; see ping -h\n")
		return 2
	}
	p.interval, p.patience = time.Duration(*interval), time.Duration(*patience)
	ctx, cancel := untilSignal()
	defer cancel()
	if *limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(*limit))
		defer cancel()
	}
	host, network := t.Arg(0), "ip"
	switch {
	case *only4:
		network = "ip4"
	case *only6:
		network = "ip6"
	}
	var err error
	if p.address, err = lookUpPreferring4(ctx, network, host); err != nil {
		t.complains(host, err)
		return 2
	}
	p.label, p.version = p.address.String(), versionOf(p.address)
	if _, err := netip.ParseAddr(host); err != nil && !*numeric {
		p.label = fmt.Sprintf("%s (%s)", nameOf(ctx, p.address), p.address)
	}
	if err := p.open(*ttl); err != nil {
		t.complains("open a socket", err)
		return 2
	}
	defer unix.Close(p.fd)
	if p.version == version4 {
		t.printf("PING %s (%s) %d(%d) bytes of data.\n", host, p.address, p.size, p.size+8+20)
	} else {
		t.printf("PING %s(%s) %d data bytes\n", host, p.label, p.size)
	}
	err = p.run(ctx)
	p.print(host)
	switch {
	case err != nil:
		t.complains(host, err)
		return 2
	case p.received == 0, *limit > 0 && p.received < p.count:
		return 1
	}
	return 0
}

// A ping pings one host.
type ping struct {
	tool
	*version
	fd                 int
	address            netip.Addr
	label              string // how lines name the host
	count, size        int
	interval, patience time.Duration
	quiet              bool

	sent                                      map[uint16]time.Time // the requests that have no answer yet
	transmitted, received, duplicates, faults int
	first, last                               time.Time // when a request was sent
	shortest, longest                         time.Duration
	sum, sumOfSquares                         float64 // of milliseconds
}

// open opens the socket. Its packets have a TTL of ttl.
func (p *ping) open(ttl int) (err error) {
	if p.fd, err = socketICMP(p.version, p.icmp); err != nil {
		return err
	}
	for option, value := range map[int]int{p.receiveTTL: 1, p.sendTTL: ttl} {
		if err := unix.SetsockoptInt(p.fd, p.level, option, value); err != nil {
			unix.Close(p.fd)
			return err
		}
	}
	return nil
}

// run pings until there is nothing left to wait for, or ctx is done.
func (p *ping) run(ctx context.Context) error {
	arrived, handled := make(chan struct{}), make(chan struct{})
	go func() { // until the program ends
		for {
			poll := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
			if n, err := unix.Poll(poll, -1); n < 1 || err != nil {
				continue
			}
			arrived <- struct{}{}
			<-handled
		}
	}()
	next := time.NewTimer(0)
	for {
		select {
		case <-arrived:
			p.receive()
			handled <- struct{}{}
			if p.count > 0 && p.received+p.faults >= p.count {
				return nil
			}
		case <-next.C:
			if p.count > 0 && p.transmitted == p.count {
				return nil
			}
			if err := p.request(); err != nil {
				return err
			}
			wait := p.interval
			if p.transmitted == p.count { // the last one
				if wait = p.patience; p.received > 0 {
					wait = max(2*p.longest, p.interval, time.Second) // a busy host answers late
				}
			}
			next.Reset(wait)
		case <-ctx.Done():
			return nil
		}
	}
}

// request sends an echo request. The kernel fills in the id and the checksum.
func (p *ping) request() error {
	p.transmitted++
	sequence := uint16(p.transmitted)
	packet := make([]byte, 8+p.size)
	packet[0] = p.echo
	binary.BigEndian.PutUint16(packet[6:], sequence)
	for i := range packet[8:] {
		packet[8+i] = byte(i)
	}
	now := time.Now()
	if p.transmitted == 1 {
		p.first = now
	}
	p.last, p.sent[sequence] = now, now
	err := send(p.fd, packet, netip.AddrPortFrom(p.address, 0))
	if errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.ENOBUFS) { // as if it had been lost
		err = nil
	}
	return err
}

// receive handles the answers and errors that have arrived.
func (p *ping) receive() {
	packet, control := make([]byte, 8+p.size+1), make([]byte, 128)
	for {
		n, m, _, from, err := unix.Recvmsg(p.fd, packet, control, unix.MSG_DONTWAIT)
		now := time.Now()
		if err != nil {
			break
		}
		var sender netip.Addr
		switch from := from.(type) {
		case *unix.SockaddrInet4:
			sender = netip.AddrFrom4(from.Addr)
		case *unix.SockaddrInet6:
			sender = netip.AddrFrom16(from.Addr)
		}
		if sender == p.address.WithZone("") {
			p.answer(packet[:n], p.ttlOf(control[:m]), now)
		}
	}
	for {
		e, err := readError(p.fd)
		if err != nil {
			return
		}
		p.fault(e)
	}
}

// ttlOf returns the TTL of a packet.
func (v *version) ttlOf(control []byte) int {
	messages, _ := unix.ParseSocketControlMessage(control)
	for _, m := range messages {
		if int(m.Header.Level) == v.level && int(m.Header.Type) == v.ttl && len(m.Data) >= 4 {
			return int(binary.NativeEndian.Uint32(m.Data))
		}
	}
	return 0
}

func (p *ping) answer(packet []byte, ttl int, now time.Time) {
	if len(packet) < 8 || packet[0] != p.echoReply {
		return
	}
	sequence := binary.BigEndian.Uint16(packet[6:])
	sent, waited := p.sent[sequence]
	delete(p.sent, sequence)
	line := fmt.Sprintf("%d bytes from %s: icmp_seq=%d ttl=%d", len(packet), p.label, sequence, ttl)
	if !waited {
		p.duplicates++
		line += " (DUP!)"
	} else {
		took := now.Sub(sent)
		if p.received++; p.received == 1 {
			p.shortest = took
		}
		p.shortest, p.longest = min(p.shortest, took), max(p.longest, took)
		ms := took.Seconds() * 1000
		p.sum += ms
		p.sumOfSquares += ms * ms
		line += fmt.Sprintf(" time=%s ms", milliseconds(took))
	}
	if !p.quiet {
		p.printf("%s\n", line)
	}
}

// milliseconds prints a time with three significant digits, but no more than
// microseconds: 0.031, 1.23, 12.3, 123, 1234.
func milliseconds(d time.Duration) string {
	ms, digits := d.Seconds()*1000, 0
	for _, limit := range []float64{100, 10, 1} {
		if ms < limit {
			digits++
		}
	}
	return strconv.FormatFloat(ms, 'f', digits, 64)
}

// fault prints that a request did not arrive.
func (p *ping) fault(e icmpError) {
	if len(e.payload) < 8 || e.payload[0] != p.echo {
		return
	}
	sequence := binary.BigEndian.Uint16(e.payload[6:])
	delete(p.sent, sequence)
	p.faults++
	if p.quiet {
		return
	}
	if !e.from.IsValid() {
		what := e.why.Error()
		if e.why == unix.EMSGSIZE {
			what += fmt.Sprintf(", mtu=%d", e.info)
		}
		p.complains("send", errors.New(what))
		return
	}
	p.printf("From %s icmp_seq=%d %s\n", e.from, sequence, e.text())
}

// text describes an ICMP error in the words of ping(8).
func (e icmpError) text() string {
	if e.from.Is6() {
		return e.text6()
	}
	switch e.kind {
	case icmpTimeExceeded:
		return map[bool]string{true: "Time to live exceeded", false: "Frag reassembly time exceeded"}[e.code == 0]
	case icmpUnreachable:
		switch e.code {
		case codeNet:
			return "Destination Net Unreachable"
		case codeHost:
			return "Destination Host Unreachable"
		case codeProtocol:
			return "Destination Protocol Unreachable"
		case codePort:
			return "Destination Port Unreachable"
		case codeTooBig:
			return fmt.Sprintf("Frag needed and DF set (mtu = %d)", e.info)
		case codeFiltered:
			return "Packet filtered"
		}
		return fmt.Sprintf("Dest Unreachable, Bad Code: %d", e.code)
	}
	return fmt.Sprintf("Bad ICMP type: %d", e.kind)
}

// text6 is text for ICMP of IPv6.
//
// Source: RFC 4443
func (e icmpError) text6() string {
	const unreachable, tooBig, timeExceeded = 1, 2, 3
	switch e.kind {
	case unreachable:
		codes := []string{"No route", "Administratively prohibited", "Beyond scope of source address",
			"Address unreachable", "Port unreachable"}
		if int(e.code) < len(codes) {
			return "Destination unreachable: " + codes[e.code]
		}
		return fmt.Sprintf("Destination unreachable: Unknown code %d", e.code)
	case tooBig:
		return fmt.Sprintf("Packet too big: mtu=%d", e.info)
	case timeExceeded:
		return "Time exceeded: " + map[bool]string{true: "Hop limit", false: "Defragmentation failure"}[e.code == 0]
	}
	return fmt.Sprintf("Unknown icmp type: %d", e.kind)
}

// print prints the statistics.
func (p *ping) print(host string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n--- %s ping statistics ---\n%d packets transmitted, %d received", host, p.transmitted, p.received)
	if p.duplicates > 0 {
		fmt.Fprintf(&b, ", +%d duplicates", p.duplicates)
	}
	if p.faults > 0 {
		fmt.Fprintf(&b, ", +%d errors", p.faults)
	}
	if p.transmitted > 0 {
		lost := 100 * float64(p.transmitted-p.received) / float64(p.transmitted)
		fmt.Fprintf(&b, ", %.6g%% packet loss, time %dms", lost, p.last.Sub(p.first).Milliseconds())
	}
	b.WriteString("\n")
	if p.received == 0 {
		b.WriteString("\n") // where the times would be
	} else {
		mean := p.sum / float64(p.received)
		deviation := math.Sqrt(max(0, p.sumOfSquares/float64(p.received)-mean*mean))
		fmt.Fprintf(&b, "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n",
			p.shortest.Seconds()*1000, mean, p.longest.Seconds()*1000, deviation)
	}
	p.printf("%s", b.String())
}
