package socketserver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// UDPServer is a server on a UDP socket. Its requests are datagrams.
type UDPServer struct {
	BaseServer

	// ServerAddress is where the server receives: as it was asked for, but
	// with the real port in place of 0.
	ServerAddress socket.Address

	// MaxPacketSize is how many bytes of a datagram are received; 0 is
	// 8192. One that is longer loses its end, which is said on stderr.
	MaxPacketSize int

	conn    net.PacketConn
	buffer  []byte
	backoff socket.Backoff
	forget  func() bool // has it not wake up when the program stops
	closing atomic.Bool // ServerClose waits until nobody receives
}

// Bind makes the server ready, as that of TCPServer does: it receives at
// address.
func (s *UDPServer) Bind(
	self Server, address socket.Address, class RequestHandlerClass,
) error {
	s.ServerAddress = address
	s.ServerAddress.Port = cmp.Or(address.Port, inherited.port)
	return s.bind(self, address, class, func() error {
		port := strconv.Itoa(address.Port)
		conn, err := s.listen("udp", net.JoinHostPort(address.Host, port))
		if err != nil {
			return err
		}
		s.ServerAddress.Port = conn.LocalAddr().(*net.UDPAddr).Port
		s.activate(conn)
		return nil
	})
}

func (s *UDPServer) listen(network, address string) (net.PacketConn, error) {
	config := net.ListenConfig{Control: s.setOptions}
	return config.ListenPacket(context.Background(), network, address)
}

// activate has the server receive from a socket.
func (s *UDPServer) activate(conn net.PacketConn) {
	program.StopOnSignal()
	s.conn, s.socket = conn, conn
	// One that did not fit would be an error without a sender on Windows.
	s.buffer = make([]byte, max(s.maxPacketSize()+1, 64<<10))
	s.forget = context.AfterFunc(program.Stopping(), func() {
		conn.SetReadDeadline(past)
	})
}

func (s *UDPServer) maxPacketSize() int { return cmp.Or(s.MaxPacketSize, 8192) }

// GetRequest waits for a datagram. Its errors, and what it does about others,
// are those of TCPServer.GetRequest.
func (s *UDPServer) GetRequest() (*Request, error) {
	for {
		// Whoever began to wait may have undone the deadline that was to
		// wake us.
		if s.closing.Load() || program.Stopping().Err() != nil {
			return nil, net.ErrClosed
		}
		n, sender, err := s.conn.ReadFrom(s.buffer)
		if errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, os.ErrDeadlineExceeded
		}
		if err == nil {
			s.backoff.Succeeded()
			return s.newRequest(n, sender), nil
		}
		select {
		case <-time.After(s.backoff.Failed("receive", err)):
		case <-program.Stopping().Done():
		}
	}
}

// newRequest makes a request of the n bytes in buffer.
func (s *UDPServer) newRequest(n int, sender net.Addr) *Request {
	if n > s.maxPacketSize() {
		n = s.maxPacketSize()
		program.Complain("datagram from "+pyfmt.Addr(sender),
			fmt.Errorf("truncated to %d bytes", n))
	}
	return newDatagram(bytes.Clone(s.buffer[:n]), s.conn, sender)
}

// ServerClose waits until all requests are handled, and then closes the
// socket, which their handlers use to answer. No request's handler may call it.
func (s *UDPServer) ServerClose() {
	if s.socket == nil {
		return
	}
	s.closing.Store(true)
	s.Shutdown()
	s.self.Join()
	s.socket.Close()
	s.forget()
}

// A Datagram is the request of a datagram server, which in Python is the pair of
// data and socket. It is a net.Conn as well, so that a handler need not know
// whether it serves a stream: Read reads the packet to its end, and what is
// written goes to the sender, a datagram a Write.
type Datagram struct {
	Packet []byte
	Socket net.PacketConn // of the server: not to be closed

	sender net.Addr
	unread []byte
}

// newDatagram is the request that a packet is.
func newDatagram(packet []byte, socket net.PacketConn, sender net.Addr) *Request {
	conn := &Datagram{packet, socket, sender, packet}
	return &Request{Conn: conn, ClientAddress: sender}
}

func (d *Datagram) Read(p []byte) (int, error) {
	if len(d.unread) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.unread)
	d.unread = d.unread[n:]
	return n, nil
}

func (d *Datagram) Write(p []byte) (int, error) {
	return d.Socket.WriteTo(p, d.sender)
}

func (d *Datagram) LocalAddr() net.Addr  { return d.Socket.LocalAddr() }
func (d *Datagram) RemoteAddr() net.Addr { return d.sender }

// Nobody waits for a datagram that is there, or to send one, so that deadlines
// mean nothing; and the socket, which is the server's, does not close with it.

func (d *Datagram) SetDeadline(time.Time) error      { return nil }
func (d *Datagram) SetReadDeadline(time.Time) error  { return nil }
func (d *Datagram) SetWriteDeadline(time.Time) error { return nil }
func (d *Datagram) Close() error                     { return nil }

// UnixDatagramServer is a UDPServer whose address is a path. There is none on
// Windows, where Bind fails.
type UnixDatagramServer struct {
	UDPServer
	ServerAddress string // the path at which it receives
}

// Bind makes the server ready, as that of UnixStreamServer does.
func (s *UnixDatagramServer) Bind(
	self Server, path string, class RequestHandlerClass,
) error {
	s.ServerAddress = path
	return s.bindUnix(self, path, class, func() error {
		conn, err := s.listen("unixgram", path)
		if err != nil {
			return err
		}
		s.activate(conn)
		return nil
	})
}

// ServerClose closes the server as that of UDPServer does, and removes the path.
func (s *UnixDatagramServer) ServerClose() {
	s.UDPServer.ServerClose()
	if s.socket != nil && !strings.HasPrefix(s.ServerAddress, "@") {
		os.Remove(s.ServerAddress) // fails if somebody else has removed it
	}
}
