package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/program"
)

// A UDPSocket sends and receives datagrams: a socket of type SOCK_DGRAM.
type UDPSocket struct {
	Address Address // as asked for, but with the real port in place of 0

	conn    *net.UDPConn
	buffer  [1 << 16]byte // no datagram is longer
	backoff Backoff
	forget  func() bool // releases the hook that ends RecvFrom when the program stops; or nil

	control []byte // room for a datagram's TTL; none if we do not ask for it
	hops    int    // TTL of the last datagram received; 0 if it is not known
	sends   int    // TTL of the datagrams that we send; 0 is the system's choice
}

// BindUDP opens a UDP socket that receives datagrams from anyone at address,
// over both IPv4 and IPv6 if the host is empty. It asks the system for a
// receive buffer of 4 MiB, so that a burst of datagrams can wait. Datagrams
// that do not fit into the buffer are lost.
//
// From then on, SIGINT and SIGTERM shut the program down gracefully (see
// program.StopOnSignal), and RecvFrom returns net.ErrClosed when they do.
func BindUDP(address Address) (*UDPSocket, error) {
	config := net.ListenConfig{Control: NoBroadcast}
	packets, err := config.ListenPacket(context.Background(), "udp", address.join())
	if err != nil {
		return nil, err
	}
	conn := packets.(*net.UDPConn)
	if address.Port == 0 {
		address.Port = conn.LocalAddr().(*net.UDPAddr).Port
	}
	conn.SetReadBuffer(4 << 20) // the system may allow less
	program.StopOnSignal()
	forget := context.AfterFunc(program.Stopping(), func() { conn.SetReadDeadline(time.Now()) })
	return &UDPSocket{Address: address, conn: conn, forget: forget}, nil
}

// ConnectUDP opens a UDP socket and connects it to address, over IPv4 if the host has
// an IPv4 address. That sends nothing to the host yet. The timeout limits looking up
// the host's name. 0 leaves the limit to the system's resolver. A connected UDP socket
// receives only from its peer, and reports the peer's ICMP refusals: if nobody listens
// at address, a later call fails with "connection refused".
func ConnectUDP(address Address, timeout time.Duration) (*UDPSocket, error) {
	ctx := context.Background()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	dialer := net.Dialer{Control: NoBroadcast}
	conn, err := dialer.DialContext(ctx, "udp4", address.join())
	var dns *net.DNSError
	var other *net.AddrError
	if errors.As(err, &other) || errors.As(err, &dns) && dns.IsNotFound {
		conn, err = dialer.DialContext(ctx, "udp", address.join()) // there is no IPv4 address
	}
	if err != nil {
		return nil, err
	}
	return &UDPSocket{Address: address, conn: conn.(*net.UDPConn)}, nil
}

// GetSockName returns the socket's own address.
func (s *UDPSocket) GetSockName() net.Addr { return s.conn.LocalAddr() }

// RecvFrom waits for the next datagram and returns its first bufsize bytes and
// the address of its sender. The bytes are valid until the next call. An empty
// datagram is a datagram. If a datagram is longer than bufsize, a line on
// stderr says that it was truncated.
//
// If receiving fails, RecvFrom reports that and tries again, as Listener.Accept
// does. The only error is net.ErrClosed, if the socket was closed or the
// program has to stop.
func (s *UDPSocket) RecvFrom(bufsize int) (data []byte, address netip.AddrPort, err error) {
	for {
		data, address, err = s.receive(bufsize)
		switch {
		case err == nil:
			s.backoff.Succeeded()
			return data, address, nil
		case program.Stopping().Err() != nil, errors.Is(err, net.ErrClosed):
			return nil, address, net.ErrClosed
		}
		s.backoff.Wait("receive", err)
	}
}

// SendTo sends data to address as one datagram.
func (s *UDPSocket) SendTo(data []byte, address netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(data, address)
	return err
}

// ErrCircle is the error of Forward for a datagram that it has forwarded too
// often.
var ErrCircle = errors.New("the datagram goes round in a circle")

// CountHops makes RecvFrom note the TTL (time to live, in IPv6 the hop limit) of
// each datagram for Forward.
func (s *UDPSocket) CountHops() { s.countHops() }

// Forward sends data, which is from the last datagram that RecvFrom returned, to
// address as one datagram. The TTL of that datagram bounds how often it can be
// forwarded in all, because Forward does what routers do: it sends with a lower
// TTL than it received. It takes off 8, and begins at 64 at most. So a datagram
// can be forwarded seven times, or one time less for every eight routers on its
// way. After that, Forward does not send it, and returns ErrCircle. This needs
// CountHops, and Linux. Other systems forward without end.
//
// Only one goroutine may call RecvFrom and Forward.
func (s *UDPSocket) Forward(data []byte, address netip.AddrPort) error {
	const most, each = 64, 8
	if s.hops == 0 {
		return s.SendTo(data, address)
	}
	ttl := min(s.hops, most) - each
	if ttl <= 0 {
		return ErrCircle
	}
	return s.forward(data, address, ttl)
}

// Recv waits for the next datagram at a connected socket. It is like RecvFrom,
// but returns every error and does not try again. The error is
// os.ErrDeadlineExceeded if the time set by SetTimeout is over.
func (s *UDPSocket) Recv(bufsize int) (data []byte, address netip.AddrPort, err error) {
	return s.receive(bufsize)
}

// Send sends data to the peer of a connected socket as one datagram.
func (s *UDPSocket) Send(data []byte) error {
	_, err := s.conn.Write(data)
	return err
}

// SetTimeout makes Recv fail with os.ErrDeadlineExceeded once timeout has
// passed, counted from now. 0 is no limit.
func (s *UDPSocket) SetTimeout(timeout time.Duration) {
	if timeout > 0 {
		s.conn.SetReadDeadline(time.Now().Add(timeout))
	} else {
		s.conn.SetReadDeadline(time.Time{})
	}
}

// Close closes the socket.
func (s *UDPSocket) Close() error {
	if s.forget != nil {
		s.forget()
	}
	return s.conn.Close()
}

// receive receives the whole datagram, even if bufsize is less. The system
// could cut it, too, but would not say how long it was.
func (s *UDPSocket) receive(bufsize int) ([]byte, netip.AddrPort, error) {
	var n, m int
	var from netip.AddrPort
	var err error
	if s.control == nil {
		n, from, err = s.conn.ReadFromUDPAddrPort(s.buffer[:])
	} else {
		n, m, _, from, err = s.conn.ReadMsgUDPAddrPort(s.buffer[:], s.control)
		s.hops = hops(s.control[:m])
	}
	if err != nil {
		return nil, from, err
	}
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	if n > bufsize {
		program.Complain("datagram from "+pyfmt.AddrPort(from),
			fmt.Errorf("truncated to %d of %d bytes", bufsize, n))
		n = bufsize
	}
	return s.buffer[:n], from, nil
}
