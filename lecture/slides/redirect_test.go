package slides

import (
	"net/netip"
	"testing"
)

// The addresses of other hosts are from the blocks reserved for documentation.
func TestIsTo(t *testing.T) {
	for _, test := range []struct {
		to, from string
		want     bool
	}{
		{"198.51.100.1:7739", "198.51.100.1:7739", true},
		{"198.51.100.1:7739", "198.51.100.1:7740", false},
		{"198.51.100.1:7739", "203.0.113.1:7739", false},  // another host redirects to us
		{"198.51.100.1:7739", "[2001:db8::1]:7739", true}, // it may be the same host
		{"[2001:db8::1]:7739", "198.51.100.1:7739", true},
		{"[2001:db8::1]:7739", "[2001:db8::2]:7739", false},
		{"127.0.0.1:7739", "127.0.0.2:7739", true},
		{"127.0.0.1:7739", "127.0.0.2:7740", false},
		{"127.0.0.1:7739", "198.51.100.1:7739", false},
	} {
		r := &Redirect{to: netip.MustParseAddrPort(test.to)}
		if got := r.isTo(netip.MustParseAddrPort(test.from)); got != test.want {
			t.Errorf("may a datagram from %s come from %s? got %v", test.from, test.to, got)
		}
	}
}

func TestIsOwn(t *testing.T) {
	for _, test := range []struct {
		own, address string
		want         bool
	}{
		{"[::]:7739", "127.0.0.2:7739", true},
		{"[::]:7739", "[::1]:7739", true},
		{"[::]:7739", "127.0.0.1:7740", false},
		{"[::]:7739", "198.51.100.1:7739", false},
		{"0.0.0.0:7739", "127.0.0.1:7739", true},
		{"127.0.0.1:7739", "127.0.0.1:7739", true},
		{"127.0.0.1:7739", "127.0.0.2:7739", false}, // that may be another bucket
		{"127.0.0.1:7739", "0.0.0.0:7739", true},
	} {
		r := &Redirect{own: netip.MustParseAddrPort(test.own)}
		if got := r.isOwn(netip.MustParseAddrPort(test.address)); got != test.want {
			t.Errorf("is %s an address of the bucket at %s? got %v", test.address, test.own, got)
		}
	}
}
