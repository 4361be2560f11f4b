//go:build unix

package socketserver

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fopnp/internal/py/socket"
)

// TestWrite is Python's SocketWriterTest.test_write. WFile sends what is
// written to it at once, and all of it, even if the client receives slowly and
// signals interrupt the system calls.
func TestWrite(t *testing.T) {
	t.Parallel()
	const big = 16<<20 + 1
	const buffer = 64 << 10 // at either end, so not all is on its way at once
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	handleOnce(t, 0, func(h *told) {
		if err := h.Connection.Conn.(*net.TCPConn).SetWriteBuffer(buffer); err != nil {
			t.Error(err)
		}
		fmt.Fprintln(h.WFile, "write data")
		if line, err := h.RFile.ReadString('\n'); line != "client response\n" || err != nil {
			t.Errorf("the server heard %q, %v", line, err)
		}
		if n, err := h.WFile.Write(make([]byte, big)); n != big || err != nil {
			t.Errorf("wrote %d bytes of %d, %v", n, big, err)
		}
	}, func(conn net.Conn) {
		if err := conn.(*net.TCPConn).SetReadBuffer(buffer); err != nil {
			t.Error(err)
		}
		hear(t, conn, "write data\n")
		say(t, conn, "client response\n")
		hear(t, conn, strings.Repeat("\x00", 100)) // the server is in Write
		for range 3 {
			syscall.Kill(os.Getpid(), syscall.SIGUSR1)
			<-signals
			hear(t, conn, strings.Repeat("\x00", 100_000))
		}
		if n, err := io.Copy(io.Discard, conn); n != big-300_100 || err != nil {
			t.Errorf("heard %d more bytes, %v, want %d", n, err, big-300_100)
		}
	})
}

// When the server shuts down a request, the client sees the end, even if
// another process still has the connection open.
func TestShutdownRequest(t *testing.T) {
	var other *os.File
	handleOnce(t, 0, func(h *told) {
		var err error
		if other, err = copyOf(h.Connection.Conn); err != nil {
			t.Fatal(err)
		}
	}, func(conn net.Conn) { ended(t, conn, "") })
	other.Close()
}

// By default, a TCP server may reuse an address, and a UDP server may not.
// AllowReuseAddress changes that.
func TestAllowReuseAddress(t *testing.T) {
	for _, test := range []struct {
		allow    *bool
		tcp, udp bool
	}{
		{allow: nil, tcp: true, udp: false},
		{allow: new(true), tcp: true, udp: true},
		{allow: new(false), tcp: false, udp: false},
	} {
		tcp, udp := &TCPServer{}, &UDPServer{}
		tcp.AllowReuseAddress, udp.AllowReuseAddress = test.allow, test.allow
		if err := tcp.Bind(tcp, localhost, handlers["line"]); err != nil {
			t.Fatal(err)
		}
		defer tcp.ServerClose()
		if err := udp.Bind(udp, localhost, handlers["datagram"]); err != nil {
			t.Fatal(err)
		}
		defer udp.ServerClose()
		if got := option(t, tcp.listener.Listener, unix.SO_REUSEADDR); got != test.tcp {
			t.Errorf("TCP: SO_REUSEADDR is %v, want %v", got, test.tcp)
		}
		if got := option(t, udp.conn, unix.SO_REUSEADDR); got != test.udp {
			t.Errorf("UDP: SO_REUSEADDR is %v, want %v", got, test.udp)
		}
	}
}

// option reports whether an option of a socket is set.
func option(t *testing.T, socket any, name int) (isSet bool) {
	if err := control(socket, func(fd uintptr) error {
		value, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, name)
		isSet = value != 0
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return isSet
}

// A server can be started again while a connection of its last run lingers. It
// lingers because the server closed it before the client did.
func TestRestart(t *testing.T) {
	s := create(t, "TCPServer", "line").(*TCPServer)
	client := connect(t, s)
	say(t, client, testString)
	if err := s.HandleRequest(); err != nil {
		t.Fatal(err)
	}
	handledBy(t, client, testString)
	client.Close()
	s.ServerClose()
	again, err := New[TCPServer, line](socket.Address{Host: "127.0.0.1", Port: s.ServerAddress.Port})
	if err != nil {
		t.Fatal(err)
	}
	again.ServerClose()
}
