package nettools

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"
)

// resolveNames knows www, and addresses.
func resolveNames(name string) ([]netip.Addr, error) {
	if name == "www" {
		return []netip.Addr{netip.MustParseAddr("10.130.1.4")}, nil
	}
	address, err := netip.ParseAddr(name)
	if err != nil {
		return nil, errors.New("no such host")
	}
	return []netip.Addr{address}, nil
}

// A filter shows exactly the packets that it describes.
func TestFilter(t *testing.T) {
	h1, www := netip.MustParseAddr("10.25.1.65"), netip.MustParseAddr("10.130.1.4")
	packets := map[string]summary{
		"request":  {layers.EthernetTypeIPv4, h1, www, layers.IPProtocolTCP, true, 40000, 80},
		"answer":   {layers.EthernetTypeIPv4, www, h1, layers.IPProtocolTCP, true, 80, 40000},
		"question": {layers.EthernetTypeIPv4, h1, www, layers.IPProtocolUDP, true, 40000, 53},
		"ping":     {layers.EthernetTypeIPv4, h1, www, layers.IPProtocolICMPv4, false, 0, 0},
		"arp":      {layers.EthernetTypeARP, h1, www, 0, false, 0, 0},
		"six":      {layers.EthernetTypeIPv6, netip.MustParseAddr("::1"), netip.MustParseAddr("::1"), layers.IPProtocolTCP, true, 80, 80},
		"other":    {},
	}
	order := []string{"request", "answer", "question", "ping", "arp", "six", "other"}
	for text, want := range map[string]string{
		"":                                   "request answer question ping arp six other",
		"tcp":                                "request answer six",
		"udp or icmp":                        "question ping",
		"ip6":                                "six",
		"arp":                                "arp",
		"not ip":                             "arp six other",
		"!tcp&&!udp":                         "ping arp other",
		"host www":                           "request answer question ping arp",
		"src www":                            "answer",
		"src host 10.25.1.65 and tcp":        "request",
		"port 80":                            "request answer six",
		"tcp dst port 80":                    "request six",
		"udp port 80":                        "",
		"port 80 or 53":                      "request answer question six",
		"tcp port http":                      "request answer six",
		"portrange 50-60":                    "question",
		"net 10.130.0.0/16 and not icmp":     "request answer question arp",
		"dst net 10.25.1.64/26":              "answer",
		"icmp or tcp and src port 80":        "answer six",
		"icmp or (tcp and src port 80)":      "answer ping six",
		"not (tcp or udp) and host www":      "ping arp",
		"10.130.1.4":                         "request answer question ping arp",
		"not not udp":                        "question",
		"tcp host 10.130.1.4 && dst port 80": "request",
	} {
		f, err := parseFilter(text, resolveNames)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, name := range order {
			if s := packets[name]; f(&s) {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q shows %q, want %q", text, strings.Join(got, " "), want)
		}
	}
}

// A filter that parseFilter does not understand is an error.
func TestFilterErrors(t *testing.T) {
	for text, want := range map[string]string{
		"tcp and":           "a test is missing at the end",
		"(tcp":              "a closing parenthesis is missing",
		"tcp)":              `unexpected word ")"`,
		"()":                `unexpected word ")"`,
		"host":              "a test is missing at the end",
		"port 99999":        `"99999" is not a port`,
		"port nosuch":       `"nosuch" is not a port`,
		"portrange 7":       `"7" is not a range such as 1060-1061`,
		"net 10.0.0.1/8":    `"10.0.0.1/8" is not a network such as 10.130.1.0/24`,
		"host nosuch":       "nosuch: no such host",
		"tcp udp":           "udp: no such host",
		"tcp & udp":         `unexpected word "&"`,
		"host www port 80":  `unexpected word "port"`,
		"src or dst port 1": `unexpected word "or"`,
	} {
		if _, err := parseFilter(text, resolveNames); err == nil || err.Error() != want {
			t.Errorf("%q: the error is %v, want %s", text, err, want)
		}
	}
}

// Any text is a filter or an error. The opposite of a filter shows what it does
// not.
func FuzzFilter(f *testing.F) {
	f.Add("not tcp port 22 and (host 10.1.1.1 or src net 10.130.0.0/16) && portrange 1-2 or 3")
	s := summary{layers.EthernetTypeIPv4, netip.MustParseAddr("10.1.1.1"), netip.MustParseAddr("10.130.1.4"), layers.IPProtocolTCP, true, 40000, 80}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := parseFilter(text, resolveNames)
		if err != nil || strings.Trim(text, " \t\n\v\f\r") == "" {
			return
		}
		opposite, err := parseFilter("not ("+text+")", resolveNames)
		if err != nil {
			t.Fatalf("%q is a filter, but not its opposite: %v", text, err)
		}
		if filter(&s) == opposite(&s) {
			t.Errorf("%q and its opposite agree", text)
		}
	})
}
