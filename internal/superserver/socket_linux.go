package superserver

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A socket is where clients of a service arrive. It is a raw descriptor, because
// package net cannot wait for a client without accepting it.
type socket struct {
	service  Service
	protocol string         // as in Service, but with 4, 6 or 46, or unix
	address  netip.AddrPort // unless it is a unix socket

	fd   int       // -1 while it is closed
	busy bool      // a program uses it, and the server waits for the program to exit
	rest time.Time // the server does not poll it before this time

	// How many times the program was started, and since when.
	count int
	since time.Time
}

// key identifies the place where a socket listens.
func (s *socket) key() string {
	if s.protocol == "unix" {
		return "unix " + s.service.Name
	}
	return s.protocol + " " + s.address.String()
}

// label names the socket in the log: echo/tcp for IPv4, echo/tcp6 for IPv6.
func (s *socket) label() string {
	return s.service.Name + "/" + strings.TrimSuffix(s.protocol, "4")
}

// socketsOf returns the sockets of a service, which are not open yet. If an
// address does not exist, it still returns the others. If the protocol names no
// IP version, the service gets a socket for each version.
func socketsOf(service Service) (sockets []*socket, err error) {
	if service.Protocol == "unix" {
		return []*socket{{service: service, protocol: "unix", fd: -1}}, nil
	}
	transport := service.Protocol[:3]
	port, err := net.LookupPort(transport, service.Name)
	if builtin, found := builtins[service.Name]; err != nil && found {
		port, err = builtin.port, nil
	}
	if err != nil || port == 0 {
		return nil, fmt.Errorf("%s/%s: unknown service", service.Name, service.Protocol)
	}
	if _, found := builtins[service.Name]; service.Program == internal && !found {
		return nil, fmt.Errorf("internal service %s unknown", service.Name)
	}
	for _, host := range service.Hosts {
		addresses, lookupErr := lookUp(host)
		if lookupErr != nil {
			err = fmt.Errorf("%s/%s: %s: Name or service not known", service.Name, service.Protocol, host)
		}
		for _, address := range addresses {
			protocol := transport + map[bool]string{true: "4", false: "6"}[address.Is4()]
			if service.Protocol == transport+"46" && address.Is6() {
				protocol = service.Protocol
			}
			if service.Protocol != transport && service.Protocol != protocol {
				continue
			}
			sockets = append(sockets, &socket{service: service, protocol: protocol, fd: -1,
				address: netip.AddrPortFrom(address, uint16(port))})
		}
	}
	return sockets, err
}

// lookUp returns the addresses of a host. For "*", it returns the wildcard
// addresses of both IP versions.
func lookUp(host string) ([]netip.Addr, error) {
	if host == "*" {
		return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}, nil
	}
	if address, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{address.Unmap()}, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range addresses {
		addresses[i] = addresses[i].Unmap()
	}
	return addresses, err
}

// open opens a socket. If the kernel lacks IPv6, an IPv6 socket stays closed,
// without an error.
func (s *socket) open(backlog int) error {
	family := unix.AF_INET
	switch {
	case s.protocol == "unix":
		family = unix.AF_UNIX
	case s.address.Addr().Is6():
		family = unix.AF_INET6
	}
	kind := map[string]int{"stream": unix.SOCK_STREAM, "dgram": unix.SOCK_DGRAM}[s.service.Type]
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err == unix.EAFNOSUPPORT && family == unix.AF_INET6 && len(s.service.Protocol) == len("tcp") {
		s.rest = time.Now().Add(cooldown)
		return nil
	}
	if err != nil {
		return fmt.Errorf("socket: %s", reason(err))
	}
	if err := s.listen(fd, family, backlog); err != nil {
		unix.Close(fd)
		return err
	}
	s.fd, s.count = fd, 0
	s.setMode()
	return nil
}

func (s *socket) listen(fd, family, backlog int) error {
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if s.service.SendBuffer > 0 {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, s.service.SendBuffer)
	}
	if s.service.ReceiveBuffer > 0 {
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, s.service.ReceiveBuffer)
	}
	var to unix.Sockaddr
	switch family {
	case unix.AF_UNIX:
		unix.Unlink(s.service.Name) // a killed server may have left it behind
		to = &unix.SockaddrUnix{Name: s.service.Name}
	case unix.AF_INET:
		to = &unix.SockaddrInet4{Addr: s.address.Addr().As4(), Port: int(s.address.Port())}
	case unix.AF_INET6:
		only := 1
		if strings.HasSuffix(s.protocol, "46") {
			only = 0
		}
		unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
		to = &unix.SockaddrInet6{Addr: s.address.Addr().As16(), Port: int(s.address.Port())}
	}
	if err := unix.Bind(fd, to); err != nil {
		return fmt.Errorf("bind: %s", reason(err))
	}
	if family == unix.AF_UNIX {
		unix.Chmod(s.service.Name, 0o666) // for clients of every user
	}
	if s.service.Type == "stream" {
		if err := unix.Listen(fd, backlog); err != nil {
			return fmt.Errorf("listen: %s", reason(err))
		}
	}
	return nil
}

// setMode makes a socket non-blocking if the server itself accepts or receives
// from it, because a client may leave between poll and accept. A program gets a
// blocking socket.
func (s *socket) setMode() {
	if s.fd < 0 {
		return
	}
	ours := s.service.Program == internal || s.service.Type == "stream" && !s.service.Wait
	unix.SetNonblock(s.fd, ours)
}

// reconfigure gives a socket its service's new entry. A service that was
// suspended after failures gets another chance.
func (s *socket) reconfigure(service Service) {
	s.service, s.count, s.rest = service, 0, time.Time{}
	if !s.busy {
		s.setMode()
	}
}

func (s *socket) close() {
	if s.fd < 0 {
		return
	}
	unix.Close(s.fd)
	s.fd = -1
	if s.protocol == "unix" {
		unix.Unlink(s.service.Name)
	}
}

// mayStart counts a start of the program. It returns false if the program has
// started too often.
func (s *socket) mayStart(rate int) bool {
	now := time.Now()
	if s.count == 0 || now.Sub(s.since) > window {
		s.count, s.since = 0, now
	}
	s.count++
	return s.count <= cmp.Or(s.service.Max, rate)
}
