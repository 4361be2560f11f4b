package nettools

import (
	"encoding/binary"
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

// Types and codes of ICMP messages.
//
// Source: RFC 792
const (
	icmpEchoReply, icmpUnreachable, icmpEcho, icmpTimeExceeded = 0, 3, 8, 11

	codeNet, codeHost, codeProtocol, codePort, codeTooBig, codeFiltered = 0, 1, 2, 3, 4, 13
)

// socketICMP returns a non-blocking datagram socket of a protocol. The socket
// queues the ICMP errors that its packets cause.
func socketICMP(protocol int) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return -1, err
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1); err != nil {
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
		if message.Header.Level != unix.IPPROTO_IP || message.Header.Type != unix.IP_RECVERR || len(d) < size {
			continue
		}
		e.why = unix.Errno(binary.NativeEndian.Uint32(d[errno:]))
		e.kind, e.code, e.info = d[kind], d[code], binary.NativeEndian.Uint32(d[info:])
		if d[origin] == unix.SO_EE_ORIGIN_ICMP && len(d) >= size+8 {
			e.from = netip.AddrFrom4([4]byte(d[size+4 : size+8])) // of a struct sockaddr_in
		}
	}
	return e, nil
}

// send sends a packet. It ignores an error left from an earlier packet, which
// stays in the queue for readError.
func send(fd int, packet []byte, to netip.AddrPort) (err error) {
	address := &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}
	for range 3 {
		if err = unix.Sendto(fd, packet, 0, address); err == nil || err == unix.ENETUNREACH || err == unix.EINVAL {
			break
		}
	}
	return err
}
