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
	Address Address // as it was asked for, but with the real port in place of 0

	conn    *net.UDPConn
	buffer  [1 << 16]byte // no datagram is longer
	backoff Backoff
}

// BindUDP opens a UDP socket that receives what is sent to address, by
// whomever: over IPv4 and IPv6 both, if its host is empty. The system keeps for
// it what arrives in a burst, as much as it will, and drops the rest.
//
// From here on SIGINT and SIGTERM stop the program in order, and RecvFrom ends
// when they do.
func BindUDP(address Address) (*UDPSocket, error) {
	local, err := net.ResolveUDPAddr("udp", address.join())
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, err
	}
	if address.Port == 0 {
		address.Port = conn.LocalAddr().(*net.UDPAddr).Port
	}
	conn.SetReadBuffer(4 << 20) // if the system will not, it is as large as it is
	program.StopOnSignal()
	context.AfterFunc(program.Stopping(), func() { conn.SetReadDeadline(time.Now()) })
	return &UDPSocket{Address: address, conn: conn}, nil
}

// ConnectUDP opens a UDP socket for the exchange with address alone, over IPv4
// if its host has an address of that. Nothing is sent yet. The system hands on
// nothing that others send here, and says so if nobody listens at address: the
// call after the one that found out fails with "connection refused".
func ConnectUDP(address Address) (*UDPSocket, error) {
	remote, err := net.ResolveUDPAddr("udp", address.join())
	if err != nil {
		return nil, err
	}
	conn, err := net.DialUDP("udp", nil, remote)
	if err != nil {
		return nil, err
	}
	return &UDPSocket{Address: address, conn: conn}, nil
}

// GetSockName is the address that the socket has here.
func (s *UDPSocket) GetSockName() net.Addr { return s.conn.LocalAddr() }

// RecvFrom waits for the next datagram, and returns as much of it as bufsize
// bytes hold, and who has sent it. The bytes are valid until the next call. An
// empty datagram is a datagram. Of one that is longer a line on stderr says how
// much is missing.
//
// Whatever fails is said once on stderr, and tried again as in Accept. The only
// error is net.ErrClosed, when the socket is closed or the program stops.
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

// SendTo sends one datagram to whoever is at address.
func (s *UDPSocket) SendTo(data []byte, address netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(data, address)
	return err
}

// Recv waits for the next datagram on a socket that is connected, no longer
// than SetTimeout said. For the rest see RecvFrom.
func (s *UDPSocket) Recv(bufsize int) (data []byte, address netip.AddrPort, err error) {
	return s.receive(bufsize)
}

// Send sends one datagram to where the socket is connected.
func (s *UDPSocket) Send(data []byte) error {
	_, err := s.conn.Write(data)
	return err
}

// SetTimeout has Recv fail with os.ErrDeadlineExceeded when nothing has come for
// so long from now on, or never if that is 0.
func (s *UDPSocket) SetTimeout(timeout time.Duration) {
	if timeout > 0 {
		s.conn.SetReadDeadline(time.Now().Add(timeout))
	} else {
		s.conn.SetReadDeadline(time.Time{})
	}
}

// Close closes the socket.
func (s *UDPSocket) Close() error { return s.conn.Close() }

// receive takes a datagram whole, however little of it is wanted: the system
// would cut it as well, but not tell by how much.
func (s *UDPSocket) receive(bufsize int) ([]byte, netip.AddrPort, error) {
	n, from, err := s.conn.ReadFromUDPAddrPort(s.buffer[:])
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
