package nettools

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/miekg/dns"
)

// Packets captured at all interfaces begin with a header of 20 bytes, which
// contains the type of what follows, the number of the interface, and the
// direction.
//
// Source: LINKTYPE_LINUX_SLL2 of libpcap
const linkAny layers.LinkType = 276

// anyHeader is the length of that header.
const anyHeader = 20

// linkLayer returns what follows the link header of a packet, and how long that
// header is.
func linkLayer(
	link layers.LinkType, data []byte,
) (etherType layers.EthernetType, header int, first gopacket.Decoder) {
	switch {
	case link == layers.LinkTypeEthernet && len(data) >= 14:
		etherType, header = layers.EthernetType(binary.BigEndian.Uint16(data[12:])), 14
	case link == linkAny && len(data) >= anyHeader:
		etherType, header = layers.EthernetType(binary.BigEndian.Uint16(data)), anyHeader
	case link == layers.LinkTypeRaw || link == layers.LinkTypeIPv4:
		etherType = layers.EthernetTypeIPv4
		if len(data) > 0 && data[0]>>4 == 6 {
			etherType = layers.EthernetTypeIPv6
		}
	}
	switch etherType {
	case layers.EthernetTypeIPv4, layers.EthernetTypeIPv6, layers.EthernetTypeARP:
		return etherType, header, etherType
	}
	return etherType, header, gopacket.LayerTypePayload
}

func init() {
	// The decoders of GTP do not end at some packets of more than 64 kB.
	for _, port := range []layers.UDPPort{2123, 2152} {
		layers.RegisterUDPPortLayerType(port, gopacket.LayerTypePayload)
	}
}

// A describer describes packets as tcpdump does.
type describer struct {
	name     func(netip.Addr) string                  // of a host
	service  func(network string, port uint16) string // of a port
	absolute bool                                     // show sequence numbers as they are, not relative to the first

	flows map[flow]start
}

// A flow is a TCP connection. The end with the smaller address and port comes
// first.
type flow struct{ a, b netip.AddrPort }

// A start contains the first sequence number of each end of a flow.
type start struct{ a, b uint32 }

// maxFlows is how many connections a describer remembers.
const maxFlows = 10000

// describe returns the line for a packet, without the time. The length is that
// of the packet without its link header, before the capture truncated it.
func (d *describer) describe(p gopacket.Packet, etherType layers.EthernetType, length int) string {
	all := p.Layers()
	for i, layer := range all {
		switch l := layer.(type) {
		case *layers.ARP:
			return describeARP(l, length)
		case *layers.IPv4:
			src, _ := netip.AddrFromSlice(l.SrcIP)
			dst, _ := netip.AddrFromSlice(l.DstIP)
			size := int(l.Length) - int(l.IHL)*4
			return "IP " + d.transport(all[i+1:], src, dst, l.Protocol, size, "")
		case *layers.IPv6:
			src, _ := netip.AddrFromSlice(l.SrcIP)
			dst, _ := netip.AddrFromSlice(l.DstIP)
			rest, size, protocol, extension := all[i+1:], int(l.Length), l.NextHeader, ""
			if len(rest) > 0 {
				if hop, ok := rest[0].(*layers.IPv6HopByHop); ok {
					rest, size, protocol, extension = rest[1:], size-len(hop.Contents), hop.NextHeader, "HBH "
				}
			}
			return "IP6 " + d.transport(rest, src, dst, protocol, size, extension)
		}
	}
	return fmt.Sprintf("ethertype 0x%04x, length %d", uint16(etherType), length)
}

func describeARP(l *layers.ARP, length int) string {
	src, dst := net.IP(l.SourceProtAddress), net.IP(l.DstProtAddress)
	if l.Operation == layers.ARPReply {
		return fmt.Sprintf("ARP, Reply %s is-at %s, length %d", src, net.HardwareAddr(l.SourceHwAddress), length)
	}
	return fmt.Sprintf("ARP, Request who-has %s tell %s, length %d", dst, src, length)
}

// transport describes the payload of an IP packet, which has size bytes.
func (d *describer) transport(
	inside []gopacket.Layer, src, dst netip.Addr, protocol layers.IPProtocol, size int, extension string,
) string {
	between := func(srcPort, dstPort string) string {
		return d.name(src) + srcPort + " > " + d.name(dst) + dstPort + ": " + extension
	}
	if len(inside) > 0 {
		switch l := inside[0].(type) {
		case *layers.TCP:
			ports := between("."+d.service("tcp", uint16(l.SrcPort)), "."+d.service("tcp", uint16(l.DstPort)))
			return ports + d.tcp(l, src, dst, size-int(l.DataOffset)*4)
		case *layers.UDP:
			ports := between("."+d.service("udp", uint16(l.SrcPort)), "."+d.service("udp", uint16(l.DstPort)))
			size = int(l.Length) - 8
			if l.SrcPort == 53 || l.DstPort == 53 {
				if text, ok := describeDNS(l.Payload, size); ok {
					return ports + text
				}
			}
			return fmt.Sprintf("%sUDP, length %d", ports, size)
		case *layers.ICMPv4:
			return between("", "") + fmt.Sprintf("ICMP %s, length %d", d.icmp(l), size)
		case *layers.ICMPv6:
			return between("", "") + fmt.Sprintf("ICMP6, %s, length %d", icmp6(inside), size)
		}
	}
	if protocol == layers.IPProtocolIGMP {
		return between("", "") + "igmp"
	}
	return between("", "") + fmt.Sprintf("ip-proto-%d %d", uint8(protocol), size)
}

// tcp describes a segment with length bytes of data.
func (d *describer) tcp(l *layers.TCP, src, dst netip.Addr, length int) string {
	flags := ""
	for _, f := range []struct {
		set    bool
		letter string
	}{{l.FIN, "F"}, {l.SYN, "S"}, {l.RST, "R"}, {l.PSH, "P"}, {l.ACK, "."}, {l.URG, "U"}, {l.ECE, "E"}, {l.CWR, "W"}} {
		if f.set {
			flags += f.letter
		}
	}
	if flags == "" {
		flags = "none"
	}
	var base start // subtracted from the sequence numbers of the sender (a) and the receiver (b)
	shown := start{}
	if l.ACK && !d.absolute {
		base, shown = d.starts(l, src, dst)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Flags [%s]", flags)
	if length > 0 || l.SYN || l.FIN || l.RST {
		fmt.Fprintf(&b, ", seq %d", l.Seq-shown.a)
		if length > 0 {
			fmt.Fprintf(&b, ":%d", l.Seq-shown.a+uint32(length))
		}
	}
	if l.ACK {
		fmt.Fprintf(&b, ", ack %d", l.Ack-shown.b)
	}
	fmt.Fprintf(&b, ", win %d", l.Window)
	if l.URG {
		fmt.Fprintf(&b, ", urg %d", l.Urgent)
	}
	if len(l.Options) > 0 {
		var options []string
		for _, o := range l.Options {
			options = append(options, describeOption(o, base.b))
		}
		fmt.Fprintf(&b, ", options [%s]", strings.Join(options, ","))
	}
	fmt.Fprintf(&b, ", length %d", length)
	if length > 0 && (l.SrcPort == 80 || l.DstPort == 80) {
		if line, _, found := strings.Cut(string(l.Payload), "\r\n"); found && strings.Contains(line, "HTTP/1.") {
			b.WriteString(": HTTP: " + line)
		}
	}
	return b.String()
}

// starts returns the first sequence numbers of a segment's sender and receiver,
// and what to subtract from the numbers in the segment: nothing, if it is the
// first of its connection.
func (d *describer) starts(l *layers.TCP, src, dst netip.Addr) (base, subtract start) {
	from, to := netip.AddrPortFrom(src, uint16(l.SrcPort)), netip.AddrPortFrom(dst, uint16(l.DstPort))
	key, reversed := flow{from, to}, false
	if to.Compare(from) < 0 {
		key, reversed = flow{to, from}, true
	}
	known, found := d.flows[key]
	if !found || l.SYN {
		if len(d.flows) >= maxFlows || d.flows == nil {
			d.flows = map[flow]start{}
		}
		base = start{l.Seq, l.Ack - 1}
		known = base
		if reversed {
			known = start{base.b, base.a}
		}
		d.flows[key] = known
		return base, start{}
	}
	if reversed {
		known = start{known.b, known.a}
	}
	return known, known
}

// describeOption describes a TCP option. It subtracts base from the numbers of a
// SACK.
func describeOption(o layers.TCPOption, base uint32) string {
	switch {
	case o.OptionType == layers.TCPOptionKindEndList:
		return "eol"
	case o.OptionType == layers.TCPOptionKindNop:
		return "nop"
	case o.OptionType == layers.TCPOptionKindMSS && len(o.OptionData) == 2:
		return fmt.Sprintf("mss %d", binary.BigEndian.Uint16(o.OptionData))
	case o.OptionType == layers.TCPOptionKindWindowScale && len(o.OptionData) == 1:
		return fmt.Sprintf("wscale %d", o.OptionData[0])
	case o.OptionType == layers.TCPOptionKindSACKPermitted:
		return "sackOK"
	case o.OptionType == layers.TCPOptionKindTimestamps && len(o.OptionData) == 8:
		return fmt.Sprintf("TS val %d ecr %d",
			binary.BigEndian.Uint32(o.OptionData), binary.BigEndian.Uint32(o.OptionData[4:]))
	case o.OptionType == layers.TCPOptionKindSACK && len(o.OptionData)%8 == 0:
		text := fmt.Sprintf("sack %d ", len(o.OptionData)/8)
		for block := o.OptionData; len(block) > 0; block = block[8:] {
			text += fmt.Sprintf("{%d:%d}", binary.BigEndian.Uint32(block)-base, binary.BigEndian.Uint32(block[4:])-base)
		}
		return text
	}
	return fmt.Sprintf("unknown-%d", uint8(o.OptionType))
}

// icmp describes an ICMP message.
func (d *describer) icmp(l *layers.ICMPv4) string {
	kind, code := l.TypeCode.Type(), l.TypeCode.Code()
	to, protocol, port := insidePacket(l.Payload)
	switch {
	case kind == layers.ICMPv4TypeEchoRequest:
		return fmt.Sprintf("echo request, id %d, seq %d", l.Id, l.Seq)
	case kind == layers.ICMPv4TypeEchoReply:
		return fmt.Sprintf("echo reply, id %d, seq %d", l.Id, l.Seq)
	case kind == layers.ICMPv4TypeTimeExceeded && code == layers.ICMPv4CodeTTLExceeded:
		return "time exceeded in-transit"
	case kind == layers.ICMPv4TypeTimeExceeded:
		return "ip reassembly time exceeded"
	case kind == layers.ICMPv4TypeDestinationUnreachable && to.IsValid():
		host := d.name(to)
		switch code {
		case layers.ICMPv4CodeNet:
			return "net " + host + " unreachable"
		case layers.ICMPv4CodeHost:
			return "host " + host + " unreachable"
		case layers.ICMPv4CodeProtocol:
			return fmt.Sprintf("%s protocol %d unreachable", host, uint8(protocol))
		case layers.ICMPv4CodePort:
			name := map[layers.IPProtocol]string{layers.IPProtocolTCP: "tcp", layers.IPProtocolUDP: "udp"}[protocol]
			if name == "" {
				return fmt.Sprintf("%s protocol %d port %d unreachable", host, uint8(protocol), port)
			}
			return fmt.Sprintf("%s %s port %s unreachable", host, name, d.service(name, port))
		case layers.ICMPv4CodeFragmentationNeeded:
			return fmt.Sprintf("%s unreachable - need to frag (mtu %d)", host, l.Seq)
		case layers.ICMPv4CodeCommAdminProhibited:
			return fmt.Sprintf("host %s unreachable - admin prohibited filter", host)
		case layers.ICMPv4CodeHostAdminProhibited:
			return fmt.Sprintf("host %s unreachable - admin prohibited", host)
		}
		return fmt.Sprintf("%s unreachable - #%d", host, code)
	}
	return fmt.Sprintf("type-#%d", kind)
}

// insidePacket returns the destination of the packet that an ICMP error quotes.
// If the quotation is too short, to is not valid.
func insidePacket(quoted []byte) (to netip.Addr, protocol layers.IPProtocol, port uint16) {
	const size = 20
	if len(quoted) < size || len(quoted) < int(quoted[0]&15)*4+4 {
		return to, 0, 0
	}
	header := int(quoted[0]&15) * 4
	to, protocol = netip.AddrFrom4([4]byte(quoted[16:20])), layers.IPProtocol(quoted[9])
	return to, protocol, binary.BigEndian.Uint16(quoted[header+2:])
}

// icmp6 describes an ICMPv6 message.
func icmp6(inside []gopacket.Layer) string {
	for _, layer := range inside[1:] {
		switch l := layer.(type) {
		case *layers.ICMPv6Echo:
			what := "request"
			if inside[0].(*layers.ICMPv6).TypeCode.Type() == layers.ICMPv6TypeEchoReply {
				what = "reply"
			}
			return fmt.Sprintf("echo %s, id %d, seq %d", what, l.Identifier, l.SeqNumber)
		case *layers.ICMPv6RouterSolicitation:
			return "router solicitation"
		case *layers.ICMPv6NeighborSolicitation:
			return "neighbor solicitation, who has " + l.TargetAddress.String()
		case *layers.ICMPv6NeighborAdvertisement:
			return "neighbor advertisement, tgt is " + l.TargetAddress.String()
		case *layers.MLDv2MulticastListenerReportMessage:
			return fmt.Sprintf("multicast listener report v2, %d group record(s)", len(l.MulticastAddressRecords))
		}
	}
	return fmt.Sprintf("type-#%d", inside[0].(*layers.ICMPv6).TypeCode.Type())
}

// describeDNS describes a DNS question or answer. It returns false if the message
// is neither.
func describeDNS(message []byte, size int) (text string, ok bool) {
	m := new(dns.Msg)
	if err := m.Unpack(message); err != nil {
		return "", false
	}
	var b strings.Builder
	fmt.Fprint(&b, m.Id)
	if !m.Response {
		if m.RecursionDesired {
			b.WriteString("+")
		}
		if m.CheckingDisabled {
			b.WriteString("%")
		}
		for _, part := range []struct {
			n    int
			name string
		}{{len(m.Answer), "a"}, {len(m.Ns), "n"}, {len(m.Extra), "au"}} {
			if part.n > 0 {
				fmt.Fprintf(&b, " [%d%s]", part.n, part.name)
			}
		}
		for _, q := range m.Question {
			fmt.Fprintf(&b, " %s? %s", dns.Type(q.Qtype), q.Name)
		}
		fmt.Fprintf(&b, " (%d)", size)
		return b.String(), true
	}
	b.WriteString(map[int]string{dns.RcodeFormatError: " FormErr", dns.RcodeServerFailure: " ServFail",
		dns.RcodeNameError: " NXDomain", dns.RcodeNotImplemented: " NotImp", dns.RcodeRefused: " Refused"}[m.Rcode])
	for _, flag := range []struct {
		set    bool
		letter string
	}{{m.Authoritative, "*"}, {!m.RecursionAvailable, "-"}, {m.Truncated, "|"}, {m.AuthenticatedData, "$"}} {
		if flag.set {
			b.WriteString(flag.letter)
		}
	}
	if len(m.Question) != 1 {
		fmt.Fprintf(&b, " [%dq]", len(m.Question))
	}
	fmt.Fprintf(&b, " %d/%d/%d", len(m.Answer), len(m.Ns), len(m.Extra))
	for i, record := range m.Answer {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s", dns.Type(record.Header().Rrtype))
		switch r := record.(type) { // of other types, tcpdump does not show the data
		case *dns.MX:
			fmt.Fprintf(&b, " %s %d", r.Mx, r.Preference)
		case *dns.A, *dns.AAAA, *dns.CNAME, *dns.DNAME, *dns.NS, *dns.PTR, *dns.SRV, *dns.TXT:
			b.WriteString(" " + data(record))
		}
	}
	fmt.Fprintf(&b, " (%d)", size)
	return b.String(), true
}

// dumpHex returns a packet as hexadecimal numbers and characters, 16 bytes per
// line.
func dumpHex(packet []byte) string {
	var b strings.Builder
	for at := 0; at < len(packet); at += 16 {
		row := packet[at:min(at+16, len(packet))]
		numbers, characters := "", ""
		for i, c := range row {
			if i%2 == 0 {
				numbers += " "
			}
			numbers += fmt.Sprintf("%02x", c)
			if c <= ' ' || c > '~' {
				c = '.'
			}
			characters += string(rune(c))
		}
		fmt.Fprintf(&b, "\t0x%04x: %-40s  %s\n", at, numbers, characters)
	}
	return b.String()
}

// dumpText returns a packet as text.
func dumpText(packet []byte) string {
	var b strings.Builder
	for i, c := range packet {
		switch {
		case c == '\r' && (i+2 >= len(packet) || packet[i+1] == '\n'):
		case c >= ' ' && c <= '~', c == '\t', c == '\n':
			b.WriteByte(c)
		default:
			b.WriteByte('.')
		}
	}
	return b.String() + "\n"
}
