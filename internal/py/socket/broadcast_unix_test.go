//go:build unix

package socket

import (
	"testing"

	"golang.org/x/sys/unix"
)

// SO_BROADCAST is off, as in Python, so no datagram reaches its own socket as a
// broadcast.
func TestNoBroadcast(t *testing.T) {
	bound, err := BindUDP(Address{Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer bound.Close()
	connected, err := ConnectUDP(bound.Address, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	for _, s := range []*UDPSocket{bound, connected} {
		raw, err := s.conn.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			value, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_BROADCAST)
			if err != nil || value != 0 {
				t.Errorf("SO_BROADCAST of the socket at %v is %d (%v)", s.GetSockName(), value, err)
			}
		})
	}
}
