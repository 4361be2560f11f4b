package netlab

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// small returns a lab of two hosts and one wire.
func small() *Lab {
	on := func(address string) []Interface {
		return []Interface{{Name: "eth0", Address: netip.MustParsePrefix(address), Wire: "lan"}}
	}
	return &Lab{Name: "small", Hosts: []*Host{
		{Names: []string{"a.example.com", "a"}, Interfaces: on("10.0.0.1/24")},
		{Names: []string{"b"}, Interfaces: on("10.0.0.2/24")},
	}}
}

func TestCheck(t *testing.T) {
	if err := small().Check(); err != nil {
		t.Error(err)
	}
	for _, test := range []struct {
		spoil func(a, b *Host)
		want  string
	}{
		{func(a, b *Host) { b.Aliases = []string{"a"} }, "two hosts have the name a"},
		{func(a, b *Host) { b.Interfaces = a.Interfaces }, "two hosts on the wire lan have the address 10.0.0.1"},
		{func(a, b *Host) { b.Interfaces = nil }, "the wire lan has only one end"},
		{func(a, b *Host) { a.NAT = "eth1" }, "a.example.com translates addresses on eth1, but has no such interface"},
		{func(a, b *Host) { b.Routes = []Route{{To: netip.MustParsePrefix("0.0.0.0/0"), Dev: "eth1"}} },
			"b has a route to 0.0.0.0/0 on eth1, but has no such interface"},
	} {
		l := small()
		test.spoil(l.Hosts[0], l.Hosts[1])
		if err := l.Check(); err == nil || err.Error() != test.want {
			t.Errorf("Check returns %v, want %s", err, test.want)
		}
	}
}

func TestFind(t *testing.T) {
	l := small()
	for name, want := range map[string]*Host{
		"a": l.Hosts[0], "A.example.COM": l.Hosts[0], "b": l.Hosts[1], "b.example.com": nil, "": nil,
	} {
		if got := l.Find(name); got != want {
			t.Errorf("Find(%q) = %v", name, got)
		}
	}
}

// What String returns, ParseQuality understands.
func TestQuality(t *testing.T) {
	for words, want := range map[string]Quality{
		"perfect":                         {},
		"delay 50ms":                      {Delay: 50 * time.Millisecond},
		"loss 5%":                         {Loss: 0.05},
		"rate 1Mbit":                      {Rate: 1e6},
		"rate 64kbit":                     {Rate: 64e3},
		"delay 1.5s loss 100% rate 2Gbit": {Delay: 1500 * time.Millisecond, Loss: 1, Rate: 2e9},
	} {
		got, err := ParseQuality(strings.Fields(words))
		if err != nil || got != want || got.String() != words {
			t.Errorf("ParseQuality(%s) = %+v, %v; its String is %s", words, got, err, got)
		}
	}
	for _, words := range []string{
		"perfect delay", "delay", "delay 50", "delay -1s", "delay 2m", "loss", "loss -1%", "loss 101", "loss NaN",
		"rate 1", "rate 1bit", "rate 0Mbit", "rate -1Mbit", "rate InfMbit", "rate NaNkbit", "delay 1s perfect",
	} {
		if q, err := ParseQuality(strings.Fields(words)); err == nil {
			t.Errorf("ParseQuality(%s) = %v", words, q)
		}
	}
}
