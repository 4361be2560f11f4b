package nettools

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// A filter reports whether tcpdump should show a packet.
type filter func(s *summary) bool

// A summary contains what filters look at.
type summary struct {
	etherType        layers.EthernetType
	src, dst         netip.Addr // from IP or ARP; otherwise not valid
	protocol         layers.IPProtocol
	hasPorts         bool
	srcPort, dstPort uint16
}

// summarize returns the summary of a packet.
func summarize(p gopacket.Packet) (s summary) {
	for _, layer := range p.Layers() {
		switch l := layer.(type) {
		case *layers.ARP:
			s.etherType = layers.EthernetTypeARP
			s.src, _ = netip.AddrFromSlice(l.SourceProtAddress)
			s.dst, _ = netip.AddrFromSlice(l.DstProtAddress)
		case *layers.IPv4:
			s.etherType, s.protocol = layers.EthernetTypeIPv4, l.Protocol
			s.src, _ = netip.AddrFromSlice(l.SrcIP)
			s.dst, _ = netip.AddrFromSlice(l.DstIP)
		case *layers.IPv6:
			s.etherType, s.protocol = layers.EthernetTypeIPv6, l.NextHeader
			s.src, _ = netip.AddrFromSlice(l.SrcIP)
			s.dst, _ = netip.AddrFromSlice(l.DstIP)
		case *layers.TCP:
			s.hasPorts, s.srcPort, s.dstPort = true, uint16(l.SrcPort), uint16(l.DstPort)
			return s // what follows is data
		case *layers.UDP:
			s.hasPorts, s.srcPort, s.dstPort = true, uint16(l.SrcPort), uint16(l.DstPort)
			return s
		case *layers.ICMPv4:
			return s // ignore the packet that it quotes
		}
	}
	return s
}

// protocols are the words for protocols. As in libpcap, tcp and udp include both
// IP versions.
var protocols = map[string]filter{
	"ip":  func(s *summary) bool { return s.etherType == layers.EthernetTypeIPv4 },
	"ip6": func(s *summary) bool { return s.etherType == layers.EthernetTypeIPv6 },
	"arp": func(s *summary) bool { return s.etherType == layers.EthernetTypeARP },
	"tcp": func(s *summary) bool { return s.src.IsValid() && s.protocol == layers.IPProtocolTCP },
	"udp": func(s *summary) bool { return s.src.IsValid() && s.protocol == layers.IPProtocolUDP },
	"icmp": func(s *summary) bool {
		return s.etherType == layers.EthernetTypeIPv4 && s.protocol == layers.IPProtocolICMPv4
	},
	"icmp6": func(s *summary) bool {
		return s.etherType == layers.EthernetTypeIPv6 && s.protocol == layers.IPProtocolICMPv6
	},
}

// parseFilter parses a filter in a subset of libpcap's language:
//
//	not tcp port 22 and (host 10.1.1.1 or src net 10.130.0.0/16)
//
// A test consists of a protocol, then src or dst, and then host, net, port or
// portrange with a value. Each part is optional, but there must be one. A value
// alone has the qualifiers of the previous value. Tests are combined with and,
// or, not, &&, ||, ! and parentheses. The operators and and or have the same
// precedence, and group from left to right. The empty filter shows everything.
// resolve looks up host names.
//
// Source: pcap-filter(7)
func parseFilter(text string, resolve func(name string) ([]netip.Addr, error)) (filter, error) {
	p := &filterParser{words: filterWord.FindAllString(text, -1), resolve: resolve, last: qualifiers{kind: "host"}}
	if len(p.words) == 0 {
		return func(*summary) bool { return true }, nil
	}
	f, err := p.expression()
	if err == nil && p.next() != "" {
		err = p.unexpected()
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

var filterWord = regexp.MustCompile(`&&|\|\||[()!]|[^\s()!&|]+|[&|]`)

type filterParser struct {
	words   []string
	resolve func(name string) ([]netip.Addr, error)
	last    qualifiers
}

// qualifiers say what a value means.
type qualifiers struct{ protocol, direction, kind string }

// next returns the next word, or "" at the end.
func (p *filterParser) next() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

// take consumes the next word if it is one of words.
func (p *filterParser) take(words ...string) (string, bool) {
	next := p.next()
	if next == "" || !slices.Contains(words, next) {
		return "", false
	}
	p.words = p.words[1:]
	return next, true
}

func (p *filterParser) unexpected() error {
	if p.next() == "" {
		return fmt.Errorf("a test is missing at the end")
	}
	return fmt.Errorf("unexpected word %q", p.next())
}

func (p *filterParser) expression() (filter, error) {
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	for {
		word, found := p.take("and", "&&", "or", "||")
		if !found {
			return left, nil
		}
		right, err := p.term()
		if err != nil {
			return nil, err
		}
		a := left
		if word == "and" || word == "&&" {
			left = func(s *summary) bool { return a(s) && right(s) }
		} else {
			left = func(s *summary) bool { return a(s) || right(s) }
		}
	}
}

func (p *filterParser) term() (filter, error) {
	if _, found := p.take("not", "!"); found {
		f, err := p.term()
		return func(s *summary) bool { return !f(s) }, err
	}
	if _, found := p.take("("); found {
		f, err := p.expression()
		if _, closed := p.take(")"); err == nil && !closed {
			err = fmt.Errorf("a closing parenthesis is missing")
		}
		return f, err
	}
	return p.test()
}

func (p *filterParser) test() (filter, error) {
	var q qualifiers
	var names []string
	for name := range protocols {
		names = append(names, name)
	}
	q.protocol, _ = p.take(names...)
	q.direction, _ = p.take("src", "dst")
	q.kind, _ = p.take("host", "net", "port", "portrange")
	value := p.next()
	isValue := value != "" && !slices.Contains([]string{"and", "&&", "or", "||", "not", "!", "(", ")", "&", "|"}, value)
	if q.protocol != "" && q.direction == "" && q.kind == "" && !isValue {
		return protocols[q.protocol], nil
	}
	if !isValue {
		return nil, p.unexpected()
	}
	p.words = p.words[1:]
	switch {
	case q == qualifiers{}:
		q = p.last
	case q.kind == "":
		q.kind = "host"
	}
	p.last = q
	f, err := p.value(q, value)
	if err != nil {
		return nil, err
	}
	if protocol := protocols[q.protocol]; protocol != nil {
		return func(s *summary) bool { return protocol(s) && f(s) }, nil
	}
	return f, nil
}

// value returns a filter that compares packets with a value.
func (p *filterParser) value(q qualifiers, value string) (filter, error) {
	switch q.kind {
	case "port", "portrange":
		first, last, err := ports(q, value)
		if err != nil {
			return nil, err
		}
		within := func(port uint16) bool { return first <= port && port <= last }
		return func(s *summary) bool {
			return s.hasPorts && (q.direction != "dst" && within(s.srcPort) || q.direction != "src" && within(s.dstPort))
		}, nil
	case "net":
		network, err := netip.ParsePrefix(value)
		if err != nil || network != network.Masked() {
			return nil, fmt.Errorf("%q is not a network such as 10.130.1.0/24", value)
		}
		return q.either(network.Contains), nil
	}
	addresses, err := p.resolve(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", value, err)
	}
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	return q.either(func(a netip.Addr) bool { return slices.Contains(addresses, a) }), nil
}

// either returns a filter for packets with an address that matches.
func (q qualifiers) either(matches func(netip.Addr) bool) filter {
	return func(s *summary) bool {
		return s.src.IsValid() && (q.direction != "dst" && matches(s.src) || q.direction != "src" && matches(s.dst))
	}
}

func ports(q qualifiers, value string) (first, last uint16, err error) {
	low, high, isRange := strings.Cut(value, "-")
	if q.kind == "port" {
		low, high, isRange = value, value, true
	}
	if !isRange {
		return 0, 0, fmt.Errorf("%q is not a range such as 1060-1061", value)
	}
	for i, text := range []string{low, high} {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			network := "tcp"
			if q.protocol == "udp" {
				network = "udp"
			}
			port, err := net.LookupPort(network, text)
			if err != nil || port == 0 || strings.Trim(text, "+-0123456789") == "" {
				return 0, 0, fmt.Errorf("%q is not a port", text)
			}
			n = uint64(port)
		}
		if i == 0 {
			first = uint16(n)
		} else {
			last = uint16(n)
		}
	}
	return first, last, nil
}
