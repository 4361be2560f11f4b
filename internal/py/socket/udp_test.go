package socket

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// exchange binds a server to every interface and connects a client to it.
func exchange(t *testing.T) (server, client *UDPSocket) {
	server, err := BindUDP(Address{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	client, err = ConnectUDP(Address{Host: "127.0.0.1", Port: server.Address.Port}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	client.SetTimeout(30 * time.Second)
	return server, client
}

// A datagram arrives as it was sent, even an empty one. RecvFrom returns only
// as much of a long one as we ask for. The answer arrives, too: a server for
// both IPv4 and IPv6 sees the address of an IPv4 client as an IPv4 address.
func TestDatagrams(t *testing.T) {
	server, client := exchange(t)
	for _, test := range []struct{ sent, received string }{
		{"MixedCaseString", "MixedCaseString"},
		{"", ""},
		{strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		{strings.Repeat("y", 1025), strings.Repeat("y", 1024)},
		{strings.Repeat("z", 65507), strings.Repeat("z", 1024)},
	} {
		if err := client.Send([]byte(test.sent)); err != nil {
			t.Fatal(err)
		}
		data, address, err := server.RecvFrom(1024)
		if err != nil || string(data) != test.received {
			t.Errorf("received %d bytes of %d, want %d (%v)",
				len(data), len(test.sent), len(test.received), err)
		}
		if got, want := address.String(), client.GetSockName().String(); got != want {
			t.Errorf("received from %v, want %v", got, want)
		}
		if err := server.SendTo(data, address); err != nil {
			t.Error(err)
		}
		if data, _, err = client.Recv(1024); err != nil || string(data) != test.received {
			t.Errorf("the answer has %d bytes, want %d (%v)", len(data), len(test.received), err)
		}
	}
}

// First the server does not answer, and then it is gone.
func TestNoDatagram(t *testing.T) {
	server, client := exchange(t)
	client.SetTimeout(time.Millisecond)
	if _, _, err := client.Recv(1024); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server does not answer, and the error is %v, want %v",
			err, os.ErrDeadlineExceeded)
	}
	server.Close()
	client.SetTimeout(30 * time.Second)
	if err := client.Send(nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Recv(1024); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server is gone, and the error is %v", err)
	}
}

// Only one socket at a time can be bound to a port.
func TestBindTwice(t *testing.T) {
	server, _ := exchange(t)
	if _, err := BindUDP(server.Address); err == nil {
		t.Errorf("two sockets are bound to %v", server.Address)
	}
}

func TestRecvFromClosed(t *testing.T) {
	server, _ := exchange(t)
	server.Close()
	if _, _, err := server.RecvFrom(1024); !errors.Is(err, net.ErrClosed) {
		t.Errorf("RecvFrom after Close: %v, want %v", err, net.ErrClosed)
	}
}

// The empty host means every interface, over IPv4 and IPv6.
func TestEveryInterface(t *testing.T) {
	server, _ := exchange(t)
	go func() {
		for {
			_, address, err := server.RecvFrom(1)
			if err != nil {
				return
			}
			server.SendTo([]byte(address.String()), address)
		}
	}()
	for _, host := range []string{"127.0.0.1", "::1"} {
		if probe, err := net.ListenPacket("udp", net.JoinHostPort(host, "0")); err != nil {
			t.Logf("%s is not tested: %v", host, err)
			continue
		} else {
			probe.Close()
		}
		client, err := ConnectUDP(Address{Host: host, Port: server.Address.Port}, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.Send(nil); err != nil {
			t.Fatal(err)
		}
		client.SetTimeout(30 * time.Second)
		address, _, err := client.Recv(1024)
		if want := client.GetSockName().String(); err != nil || string(address) != want {
			t.Errorf("received from %s, want %s (%v)", address, want, err)
		}
	}
}
