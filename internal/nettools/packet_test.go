package nettools

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/miekg/dns"
)

// numeric returns a describer that shows addresses and ports as numbers.
func numeric() describer {
	return describer{name: netip.Addr.String, service: func(_ string, port uint16) string {
		return strconv.Itoa(int(port))
	}}
}

// tcpdump prints a line for any packet.
func FuzzDescribe(f *testing.F) {
	f.Add(uint16(layers.EthernetTypeIPv4), []byte("E\x00\x00\x1c\x00\x00\x00\x00@\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x9c\x40\x005\x00\x08\x00\x00"))
	f.Add(uint16(layers.EthernetTypeIPv4), []byte("E\x00\x00\x28\x00\x00\x00\x00@\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x9c\x40\x00P\x00\x00\x00\x01\x00\x00\x00\x02P\x12\x01\x00\x00\x00\x00\x00"))
	f.Add(uint16(layers.EthernetTypeARP), []byte("\x00\x01\x08\x00\x06\x04\x00\x01abcdef\x0a\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x02"))
	f.Add(uint16(layers.EthernetTypeIPv6), []byte("`\x00\x00\x00\x00\x08\x3a\x40abcdefghijklmnopabcdefghijklmnop\x80\x00\x00\x00\x00\x01\x00\x02"))
	f.Fuzz(func(t *testing.T, etherType uint16, data []byte) {
		d := numeric()
		link := append(make([]byte, 12), byte(etherType>>8), byte(etherType))
		_, header, first := linkLayer(layers.LinkTypeEthernet, append(link, data...))
		for range 2 { // the second one is not the first of its connection
			p := gopacket.NewPacket(data, first, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
			summarize(p)
			if line := d.describe(p, layers.EthernetType(etherType), len(data)); line == "" || header != 14 {
				t.Error("there is no line")
			}
		}
		dumpHex(data)
		dumpText(data)
	})
}

// describeUDP returns tcpdump's line for a datagram.
func describeUDP(from, to uint16, data []byte) string {
	ip := append([]byte("E\x00\x00\x00\x00\x00\x00\x00@\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02"), // of any length
		byte(from>>8), byte(from), byte(to>>8), byte(to), 0, 0, 0, 0)
	ip = append(ip, data...)
	d := numeric()
	p := gopacket.NewPacket(ip, layers.LayerTypeIPv4, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	return d.describe(p, layers.EthernetTypeIPv4, len(ip))
}

// Packets made to keep tcpdump busy, or to write to its terminal, become one short
// line at once.
func TestDescribeHostile(t *testing.T) {
	record := func(kind uint16, data []byte) []byte { // a DNS answer that consists of it
		b := []byte("\x00\x01\x80\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00")
		b = binary.BigEndian.AppendUint16(b, kind)
		b = append(b, "\x00\x01\x00\x00\x00\x00"...)
		return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
	}
	nsec := []byte{0}
	for window := range 256 {
		nsec = append(nsec, byte(window), 32)
		nsec = append(nsec, bytes.Repeat([]byte{0xff}, 32)...)
	}
	gtp2 := append([]byte("\x40\x00\xff\xff"), make([]byte, 65535)...)
	gtp2[261] = 1
	for _, test := range []struct {
		what     string
		from, to uint16
		data     []byte
		want     string
	}{
		{"DNS: names of all types", 53, 1234, record(dns.TypeNSEC, nsec), "1- [0q] 1/0/0 NSEC (-8)"},
		{"DNS: 16,000 options", 53, 1234, record(dns.TypeOPT, make([]byte, 64000)), "1- [0q] 1/0/0 OPT (-8)"},
		{"DNS: any bytes", 53, 1234, record(dns.TypeNULL, []byte("a\nb\x1b[2J")), "1- [0q] 1/0/0 NULL (-8)"},
		{"DNS: text", 53, 1234, record(dns.TypeTXT, []byte("\x04\x1b[2J")), `1- [0q] 1/0/0 TXT "\027[2J" (-8)`},
		{"GTP, version 2", 1234, 2123, gtp2, "UDP, length -8"},
		{"GTP, version 1", 1234, 2152, append([]byte{0x34}, bytes.Repeat([]byte{1}, 131070)...), "UDP, length -8"},
	} {
		line := make(chan string, 1)
		go func() { line <- describeUDP(test.from, test.to, test.data) }()
		select {
		case got := <-line:
			if want := fmt.Sprintf("IP 10.0.0.1.%d > 10.0.0.2.%d: %s", test.from, test.to, test.want); got != want {
				t.Errorf("%s: %q, want %q", test.what, got, want)
			}
		case <-time.After(20 * time.Second):
			panic(test.what + ": there is no line yet") // the decoder may never end
		}
	}
}

// As with -A of Debian's tcpdump, a carriage return is a dot in the middle of a line,
// and nothing at the end of a line, at the end of the packet or just before that.
func TestDumpText(t *testing.T) {
	for packet, want := range map[string]string{
		"a\rbc":   "a.bc\n",
		"a\r\nbc": "a\nbc\n",
		"a\r":     "a\n",
		"a\rb":    "ab\n",
		"\t\x00~": "\t.~\n",
	} {
		if got := dumpText([]byte(packet)); got != want {
			t.Errorf("%q is shown as %q, want %q", packet, got, want)
		}
	}
}
