package nettools

import (
	"net/netip"
	"strconv"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Whatever arrives, tcpdump describes it.
func FuzzDescribe(f *testing.F) {
	f.Add(uint16(layers.EthernetTypeIPv4), []byte("E\x00\x00\x1c\x00\x00\x00\x00@\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x9c\x40\x005\x00\x08\x00\x00"))
	f.Add(uint16(layers.EthernetTypeIPv4), []byte("E\x00\x00\x28\x00\x00\x00\x00@\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x9c\x40\x00P\x00\x00\x00\x01\x00\x00\x00\x02P\x12\x01\x00\x00\x00\x00\x00"))
	f.Add(uint16(layers.EthernetTypeARP), []byte("\x00\x01\x08\x00\x06\x04\x00\x01abcdef\x0a\x00\x00\x01\x00\x00\x00\x00\x00\x00\x0a\x00\x00\x02"))
	f.Add(uint16(layers.EthernetTypeIPv6), []byte("`\x00\x00\x00\x00\x08\x3a\x40abcdefghijklmnopabcdefghijklmnop\x80\x00\x00\x00\x00\x01\x00\x02"))
	f.Fuzz(func(t *testing.T, etherType uint16, data []byte) {
		d := describer{name: netip.Addr.String, service: func(_ string, port uint16) string { return strconv.Itoa(int(port)) }}
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
