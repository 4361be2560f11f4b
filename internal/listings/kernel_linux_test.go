package listings_test

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
	"fopnp/internal/listings"
)

// listensAt fails the test unless the server has a socket of the given network
// at the port that it has announced.
func listensAt(t *testing.T, server *progtest.Server, network string) {
	t.Helper()
	kind := map[string]int{"tcp": unix.SOCK_STREAM, "udp": unix.SOCK_DGRAM}[network]
	found := false
	err := server.EachDescriptor(func(fd int) {
		var port int
		switch address, _ := unix.Getsockname(fd); address := address.(type) {
		case *unix.SockaddrInet4:
			port = address.Port
		case *unix.SockaddrInet6:
			port = address.Port
		}
		got, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		found = found || got == kind && fmt.Sprint(port) == server.Port
	})
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Log("cannot look at the server's sockets: ", err)
	} else if err != nil || !found {
		t.Errorf("the server has no %s socket at port %s: %v", network, server.Port, err)
	}
}

// A TCP server accepts as many silent clients as its row says, and the next one
// when one of them has left. The kernel gives a connection an inode when the
// server accepts it. A server that serves one client and ends has no next one.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	otherwise := map[string]bool{
		"timeserv":        true, // no client can make it wait
		"daytime":         true,
		"time_server":     true,
		"SockServTCPFork": true, // it accepts one more, which waits, as the tests of lecture/slides show
	}
	for _, l := range listings.On("", listings.Server, listings.Both) {
		if l.Network != "tcp" || l.ServesOne || otherwise[l.Name] {
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			server := progtest.MustStart(t, l.Name, l.ServeArgs("127.0.0.1", "0", progtest.Beside(t, l)...)...)
			n := l.AtOnce
			if n == 0 {
				n = 50 // more than any limit
			}
			var clients []net.Conn
			for range n + 1 {
				clients = append(clients, progtest.Dial(t, server))
			}
			for i, client := range clients[:n] {
				progtest.Until(t, fmt.Sprintf("client %d of %d is accepted", i+1, n), func() bool { return accepted(t, client) })
			}
			next := clients[n]
			if l.AtOnce > 0 {
				if accepted(t, next) {
					t.Errorf("the server has accepted %d clients", n+1)
				}
				clients[0].Close()
			}
			progtest.Until(t, "the next client is accepted", func() bool { return accepted(t, next) })
			for _, client := range clients {
				client.Close()
			}
			if err := server.Stop(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		})
	}
}

// accepted reports whether the server has accepted a client.
func accepted(t *testing.T, client net.Conn) bool {
	t.Helper()
	server := client.RemoteAddr().(*net.TCPAddr).AddrPort()
	side, err := kernel.SideOf(server, client.LocalAddr().(*net.TCPAddr).AddrPort())
	if err != nil {
		t.Fatal(err)
	}
	return side.Inode != 0
}
