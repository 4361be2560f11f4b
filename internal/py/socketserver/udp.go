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
	"syscall"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// UDPServer is a server on a UDP socket. Its requests are datagrams.
type UDPServer struct {
	BaseServer

	// ServerAddress is where the server receives: as asked for, but with the
	// real port in place of 0.
	ServerAddress socket.Address

	// MaxPacketSize is how many bytes of a datagram the server receives at
	// most. 0 is 8192. A longer datagram is cut off there, and a line on
	// stderr says so.
	MaxPacketSize int

	conn    net.PacketConn
	buffer  []byte
	backoff socket.Backoff
	forget  func() bool // stops watching for the program's shutdown
	closing atomic.Bool // ServerClose waits for GetRequest to return
}

// Bind makes the server receive at address, and is otherwise like
// TCPServer.Bind.
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
	config := net.ListenConfig{
		Control: func(network, address string, conn syscall.RawConn) error {
			if socket.NoBroadcast != nil {
				if err := socket.NoBroadcast(network, address, conn); err != nil {
					return err
				}
			}
			return s.setOptions(network, address, conn)
		},
	}
	return config.ListenPacket(context.Background(), network, address)
}

// activate makes the server receive from a socket.
func (s *UDPServer) activate(conn net.PacketConn) {
	program.StopOnSignal()
	s.conn, s.socket = conn, conn
	// On Windows, a datagram that does not fit is an error without a sender.
	s.buffer = make([]byte, max(s.maxPacketSize()+1, 64<<10))
	s.forget = context.AfterFunc(program.Stopping(), func() {
		conn.SetReadDeadline(past)
	})
}

func (s *UDPServer) maxPacketSize() int { return cmp.Or(s.MaxPacketSize, 8192) }

// GetRequest waits for a datagram. It returns the same errors as
// TCPServer.GetRequest. After all other failures, it tries again as
// socket.Listener.Accept does.
func (s *UDPServer) GetRequest() (*Request, error) {
	for {
		// ServeForever or HandleRequest may have removed the deadline that
		// was to wake us.
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

// newRequest makes a request of the first n bytes of buffer.
func (s *UDPServer) newRequest(n int, sender net.Addr) *Request {
	if n > s.maxPacketSize() {
		n = s.maxPacketSize()
		program.Complain("datagram from "+pyfmt.Addr(sender),
			fmt.Errorf("truncated to %d bytes", n))
	}
	return newDatagram(bytes.Clone(s.buffer[:n]), s.conn, sender)
}

// ServerClose waits until all requests have been handled, and only then closes
// the socket, because their handlers answer through it. A handler must not call
// ServerClose.
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

// A Datagram is the request of a datagram server, which in Python is a pair of
// data and socket. It is a net.Conn, too, so a handler need not know what kind
// of request it handles. Read reads the packet and then returns io.EOF. Each
// Write sends a datagram to the sender.
type Datagram struct {
	Packet []byte
	Socket net.PacketConn // the server's: do not close it

	sender net.Addr
	unread []byte
}

// newDatagram returns the request for a packet.
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

// A Datagram has no deadlines, because Read and Write do not wait. Close does
// nothing, because the socket is the server's.

func (d *Datagram) SetDeadline(time.Time) error      { return nil }
func (d *Datagram) SetReadDeadline(time.Time) error  { return nil }
func (d *Datagram) SetWriteDeadline(time.Time) error { return nil }
func (d *Datagram) Close() error                     { return nil }

// UnixDatagramServer is a UDPServer whose address is a path. On Windows, Bind
// fails.
type UnixDatagramServer struct {
	UDPServer
	ServerAddress string // the path at which it receives
}

// Bind makes the server receive at path, and is otherwise like
// UnixStreamServer.Bind.
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

// ServerClose closes the server as UDPServer.ServerClose does, and removes the
// path.
func (s *UnixDatagramServer) ServerClose() {
	s.UDPServer.ServerClose()
	if s.socket != nil && !strings.HasPrefix(s.ServerAddress, "@") {
		os.Remove(s.ServerAddress) // fails if it has already been removed
	}
}
