package socket

import (
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
)

// A datagram that a socket forwards to itself goes round at most seven times,
// whatever TTL its sender gave it.
func TestForwardInCircle(t *testing.T) {
	for _, test := range []struct {
		bind, host string
		ttl, want  int
	}{
		{"127.0.0.1", "127.0.0.1", 64, 7},
		{"127.0.0.1", "127.0.0.1", 255, 7},
		{"127.0.0.1", "127.0.0.1", 60, 7}, // it has passed four routers
		{"127.0.0.1", "127.0.0.1", 56, 6},
		{"127.0.0.1", "127.0.0.1", 1, 0},
		{"", "127.0.0.1", 64, 7},
		{"", "::1", 64, 7},
		{"::1", "::1", 255, 7},
	} {
		probe, err := net.ListenPacket("udp", net.JoinHostPort(test.host, "0"))
		if err != nil {
			t.Logf("%s is not tested: %v", test.host, err)
			continue
		}
		probe.Close()
		server, err := BindUDP(Address{Host: test.bind})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		server.SetTimeout(30 * time.Second)
		server.CountHops()
		client, err := ConnectUDP(Address{Host: test.host, Port: server.Address.Port}, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.setOptions(syscall.IP_TTL, syscall.IPV6_UNICAST_HOPS, test.ttl); err != nil {
			t.Fatal(err)
		}
		own := netip.AddrPortFrom(netip.MustParseAddr(test.host), uint16(server.Address.Port))
		for range 2 { // the second datagram is not held up by the first
			if err := client.Send([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			forwarded := 0
			for {
				data, _, err := server.Recv(1024)
				if err != nil || string(data) != "hello" {
					t.Fatalf("%+v: received %q (%v)", test, data, err)
				}
				if err = server.Forward(data, own); err == ErrCircle || forwarded > 1000 {
					break
				} else if err != nil {
					t.Fatalf("%+v: %v", test, err)
				}
				forwarded++
			}
			if forwarded != test.want {
				t.Errorf("%+v: forwarded %d times", test, forwarded)
			}
		}
	}
}
