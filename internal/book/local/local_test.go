package local

import (
	"net/http"
	"testing"
)

// A request must name this machine and the port, to the letter. The other rows are
// what a site or a program may send instead.
func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		what, host string
		status     int
	}{
		{"the reader", "127.0.0.1:8107", 0},
		{"the reader, by the other name", "localhost:8107", 0},

		{"DNS rebinding", "evil.example:8107", 421},
		{"DNS rebinding, without a port", "evil.example", 421},
		{"a name that begins as ours", "localhost.evil.example:8107", 421},
		{"a name that begins as our address", "127.0.0.1.evil.example:8107", 421},
		{"a name that ends as ours", "evil-localhost:8107", 421},
		{"a name below ours", "evil.localhost:8107", 421},
		{"ours as a user's name", "localhost:8107@evil.example", 421},
		{"ours behind another", "evil.example:8107,localhost:8107", 421},
		{"a root's dot", "localhost.:8107", 421},
		{"capital letters", "LOCALHOST:8107", 421},
		{"a space", " localhost:8107", 421},

		{"another port", "127.0.0.1:1", 421},
		{"the port of all web servers", "127.0.0.1:80", 421},
		{"a port that begins as ours", "127.0.0.1:81070", 421},
		{"a port in other digits", "127.0.0.1:08107", 421},
		{"no port", "127.0.0.1", 421},
		{"an empty port", "localhost:", 421},

		{"another address of this machine", "127.0.0.2:8107", 421},
		{"our address, short", "127.1:8107", 421},
		{"our address, one number", "2130706433:8107", 421},
		{"all addresses", "0.0.0.0:8107", 421},
		{"the IPv6 address", "[::1]:8107", 421},
		{"our address as one of IPv6", "[::ffff:127.0.0.1]:8107", 421},
		{"a port alone", ":8107", 421},
		{"nothing", "", 421},
	} {
		status, why := Refuses(&http.Request{Host: c.host}, 8107)
		if status != c.status || (why == "") != (status == 0) {
			t.Errorf("%s: Host %q: status %d (%q), want %d", c.what, c.host, status, why, c.status)
		}
	}
}
