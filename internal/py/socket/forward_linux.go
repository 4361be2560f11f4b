package socket

import (
	"encoding/binary"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// countHops asks the system for the TTL of each datagram. A socket for both
// IPv4 and IPv6 has both options, and others have one of them.
func (s *UDPSocket) countHops() {
	s.setOptions(unix.IP_RECVTTL, unix.IPV6_RECVHOPLIMIT, 1)
	s.control = make([]byte, unix.CmsgSpace(4))
}

// hops returns the TTL from a datagram's control message, or 0 if there is
// none.
func hops(control []byte) int {
	if len(control) == 0 {
		return 0
	}
	header, data, _, err := unix.ParseOneSocketControlMessage(control)
	if err != nil || len(data) < 4 {
		return 0
	}
	ip4 := header.Level == unix.IPPROTO_IP && header.Type == unix.IP_TTL
	ip6 := header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_HOPLIMIT
	if !ip4 && !ip6 {
		return 0
	}
	return int(binary.NativeEndian.Uint32(data))
}

// forward sends a datagram with a TTL. The TTL is an option of the socket, which
// forward sets only if it has changed.
func (s *UDPSocket) forward(data []byte, address netip.AddrPort, ttl int) error {
	if ttl != s.sends {
		if err := s.setOptions(unix.IP_TTL, unix.IPV6_UNICAST_HOPS, ttl); err != nil {
			return err
		}
		s.sends = ttl
	}
	return s.SendTo(data, address)
}

// setOptions sets an option of IPv4 and one of IPv6. It returns an error if the
// socket has neither.
func (s *UDPSocket) setOptions(ip4, ip6, value int) error {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	var err4, err6 error
	err = raw.Control(func(fd uintptr) {
		err4 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, ip4, value)
		err6 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, ip6, value)
	})
	if err == nil && err6 != nil {
		err = os.NewSyscallError("setsockopt", err4)
	}
	return err
}
