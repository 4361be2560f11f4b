package nettools

import (
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// An icmpError reports that a packet did not arrive.
//
// Source: ip(7), IP_RECVERR
type icmpError struct {
	from       netip.Addr // the host that reports it; not valid if this host does
	kind, code byte       // of the ICMP message
	why        unix.Errno
	info       uint32         // the maximum size, if the packet was too large
	to         netip.AddrPort // where the packet was going
	payload    []byte         // what the packet carried after UDP's header, or from ICMP's header on
}

// A version is a version of IP: the numbers that its sockets and its ICMP use.
//
// Source: ip(7), ipv6(7), RFC 792, RFC 4443
type version struct {
	domain, icmp, level                     int
	sendTTL, receiveTTL, ttl, receiveErrors int // options and messages of level
	echo, echoReply                         byte
}

var (
	version4 = &version{unix.AF_INET, unix.IPPROTO_ICMP, unix.IPPROTO_IP,
		unix.IP_TTL, unix.IP_RECVTTL, unix.IP_TTL, unix.IP_RECVERR, 8, 0}
	version6 = &version{unix.AF_INET6, unix.IPPROTO_ICMPV6, unix.IPPROTO_IPV6,
		unix.IPV6_UNICAST_HOPS, unix.IPV6_RECVHOPLIMIT, unix.IPV6_HOPLIMIT, unix.IPV6_RECVERR, 128, 129}
)

// versionOf returns the version that an address belongs to.
func versionOf(address netip.Addr) *version {
	if address.Is4() {
		return version4
	}
	return version6
}

// Types and codes of ICMP messages of IPv4.
//
// Source: RFC 792
const (
	icmpUnreachable, icmpTimeExceeded = 3, 11

	codeNet, codeHost, codeProtocol, codePort, codeTooBig, codeFiltered = 0, 1, 2, 3, 4, 13
)

// socketICMP returns a non-blocking datagram socket of a protocol. The socket
// queues the ICMP errors that its packets cause.
func socketICMP(v *version, protocol int) (fd int, err error) {
	fd, err = unix.Socket(v.domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, v.level, v.receiveErrors, 1); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// readError takes an error off a socket's queue. If there is none, err is
// EAGAIN.
func readError(fd int) (e icmpError, err error) {
	packet, control := make([]byte, 1500), make([]byte, 512)
	n, m, _, to, err := unix.Recvmsg(fd, packet, control, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if err != nil {
		return e, err
	}
	e.payload = packet[:n]
	if to, ok := to.(*unix.SockaddrInet4); ok {
		e.to = netip.AddrPortFrom(netip.AddrFrom4(to.Addr), uint16(to.Port))
	}
	messages, err := unix.ParseSocketControlMessage(control[:m])
	if err != nil {
		return e, err
	}
	for _, message := range messages {
		// struct sock_extended_err, and the address of the host that sent it
		const errno, origin, kind, code, info, size = 0, 4, 5, 6, 8, 16
		d := message.Data
		is := func(v *version) bool {
			return int(message.Header.Level) == v.level && int(message.Header.Type) == v.receiveErrors && len(d) >= size
		}
		if !is(version4) && !is(version6) {
			continue
		}
		e.why = unix.Errno(binary.NativeEndian.Uint32(d[errno:]))
		e.kind, e.code, e.info = d[kind], d[code], binary.NativeEndian.Uint32(d[info:])
		switch {
		case d[origin] == unix.SO_EE_ORIGIN_ICMP && len(d) >= size+8:
			e.from = netip.AddrFrom4([4]byte(d[size+4 : size+8])) // of a struct sockaddr_in
		case d[origin] == unix.SO_EE_ORIGIN_ICMP6 && len(d) >= size+24:
			e.from = netip.AddrFrom16([16]byte(d[size+8 : size+24])) // of a struct sockaddr_in6
		}
	}
	return e, nil
}

// send sends a packet. It ignores an error left from an earlier packet, which
// stays in the queue for readError.
func send(fd int, packet []byte, to netip.AddrPort) (err error) {
	var address unix.Sockaddr
	if to.Addr().Is4() {
		address = &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}
	} else {
		link, _ := net.InterfaceByName(to.Addr().Zone()) // nil if the address has no zone
		if link == nil {
			link = &net.Interface{}
		}
		address = &unix.SockaddrInet6{Addr: to.Addr().As16(), Port: int(to.Port()), ZoneId: uint32(link.Index)}
	}
	for range 3 {
		if err = unix.Sendto(fd, packet, 0, address); err == nil || err == unix.ENETUNREACH || err == unix.EINVAL {
			break
		}
	}
	return err
}
