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
	client, err = ConnectUDP(Address{Host: "127.0.0.1", Port: server.Address.Port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	client.SetTimeout(30 * time.Second)
	return server, client
}

// A datagram arrives as it was sent, an empty one too, and as much of a long one
// as was asked for; so does the answer, for an IPv4 client is an IPv4 client even
// to a server of both families.
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
			t.Errorf("received %d bytes of %d (%v)", len(data), len(test.sent), err)
		}
		if got, want := address.String(), client.GetSockName().String(); got != want {
			t.Errorf("from %v, sent by %v", got, want)
		}
		if err := server.SendTo(data, address); err != nil {
			t.Error(err)
		}
		if data, _, err = client.Recv(1024); err != nil || string(data) != test.received {
			t.Errorf("heard %d bytes of %d (%v)", len(data), len(test.received), err)
		}
	}
}

// Nobody answers, and then nobody is there any more.
func TestNoDatagram(t *testing.T) {
	server, client := exchange(t)
	client.SetTimeout(time.Millisecond)
	if _, _, err := client.Recv(1024); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nobody sends, and the error is %v", err)
	}
	server.Close()
	client.SetTimeout(30 * time.Second)
	if err := client.Send(nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Recv(1024); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nobody is there, and the error is %v", err)
	}
}

// A port has one owner.
func TestBindTwice(t *testing.T) {
	server, _ := exchange(t)
	if _, err := BindUDP(server.Address); err == nil {
		t.Errorf("%v twice", server.Address)
	}
}

func TestRecvFromClosed(t *testing.T) {
	server, _ := exchange(t)
	server.Close()
	if _, _, err := server.RecvFrom(1024); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want %v", err, net.ErrClosed)
	}
}

// The empty host is every interface, of both families.
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
		client, err := ConnectUDP(Address{Host: host, Port: server.Address.Port})
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
			t.Errorf("from %s, sent by %s (%v)", address, want, err)
		}
	}
}
