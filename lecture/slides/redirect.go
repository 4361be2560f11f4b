package slides

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// A Redirect sends what a bucket receives on to another bucket. It never sends
// a datagram back to the bucket that it came from, so two buckets that redirect
// to each other do not loop.
//
// There are two loops that it cannot see: a ring of three buckets or more, and
// two buckets of which one has several addresses and answers from a different
// one. So a datagram is redirected seven times at most, by all buckets together
// (see socket.UDPSocket.Forward). That needs Linux: elsewhere, such a datagram
// goes round for ever.
type Redirect struct {
	s       *socket.UDPSocket
	own, to netip.AddrPort
	backoff socket.Backoff
	circle  bool // it has reported that the buckets redirect in a circle
}

// NewRedirect returns a Redirect from the bucket s to the bucket name, which is
// HOST or HOST:PORT. The default port is port. If name is "", it returns nil.
//
// The error says why name cannot be resolved, or why there can be no Redirect
// to it: it has port 0, it is not a single host, it has no address of the IP
// version of s, or it is s itself, under any name of this host.
func NewRedirect(
	s *socket.UDPSocket, name string, port int,
) (*Redirect, error) {
	if name == "" {
		return nil, nil
	}
	r := &Redirect{s: s, own: addrPort(s.GetSockName().(*net.UDPAddr))}
	version := "udp"
	if own := r.own.Addr(); own.Is4() {
		version = "udp4"
	} else if !own.IsUnspecified() {
		version = "udp6" // but "::" is IPv4, too
	}
	to, err := resolve("udp", name, port)
	if err == nil && version != "udp" {
		to, err = resolve(version, name, port)
		var other *net.AddrError
		if errors.As(err, &other) {
			err = errors.New(
				"the bucket listens on IPv" + version[3:] + " only")
		}
	}
	if err != nil {
		return nil, err
	}
	r.to = addrPort(to)
	ip := r.to.Addr()
	broadcast := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	switch {
	case to.Port == 0:
		return nil, errors.New("no bucket has port 0")
	case ip.IsMulticast() || ip == broadcast:
		return nil, errors.New("not the address of a single host")
	case r.isOwn(r.to):
		return nil, errors.New("it is this bucket itself")
	}
	s.CountHops()
	return r, nil
}

func resolve(version, name string, port int) (*net.UDPAddr, error) {
	host, p, err := net.SplitHostPort(name)
	if err != nil { // there is no port
		host, p = strings.Trim(name, "[]"), strconv.Itoa(port)
	}
	return net.ResolveUDPAddr(version, net.JoinHostPort(host, p))
}

func addrPort(address *net.UDPAddr) netip.AddrPort {
	ap := address.AddrPort()
	ip := ap.Addr().Unmap()
	if !ip.IsValid() {
		ip = netip.IPv6Unspecified() // no host means this host
	}
	return netip.AddrPortFrom(ip, ap.Port())
}

// Send sends on a datagram that came from the address from, unless that is the
// address of the bucket that it would go to, or of the one that redirects. The
// datagram must be the last that the bucket received. Send reports the first of
// several failures in a row on stderr, and once that a datagram goes round in a
// circle.
func (r *Redirect) Send(data []byte, from netip.AddrPort) {
	if r == nil || r.isTo(from) || r.isOwn(from) {
		return
	}
	what := "redirect to " + pyfmt.AddrPort(r.to)
	err := r.s.Forward(data, r.to)
	if err != socket.ErrCircle {
		r.backoff.Tried(what, err)
	} else if !r.circle {
		r.circle = true
		program.Complain(what, err)
	}
}

// isTo reports whether a datagram from the address from may come from the
// bucket to which this one redirects. A bucket sends from the port at which it
// listens, but its host can have several addresses. Two addresses count as the
// same if one is IPv4 and the other IPv6, or if both belong to this host.
func (r *Redirect) isTo(from netip.AddrPort) bool {
	if from.Port() != r.to.Port() {
		return false
	}
	one, other := from.Addr(), r.to.Addr()
	return one == other || one.Is4() != other.Is4() ||
		isThisHost(one) && isThisHost(other)
}

// isOwn reports whether a is an address of the bucket that redirects.
func (r *Redirect) isOwn(a netip.AddrPort) bool {
	if a.Port() != r.own.Port() {
		return false
	}
	ip, own := a.Addr(), r.own.Addr()
	return ip == own || ip.IsUnspecified() ||
		own.IsUnspecified() && isThisHost(ip)
}

// isThisHost reports whether ip is an address of this host. All addresses that
// begin with 127 are, although the interface has only the first of them.
func isThisHost(ip netip.Addr) bool {
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	interfaces, _ := net.InterfaceAddrs()
	for _, address := range interfaces {
		prefix, err := netip.ParsePrefix(address.String())
		if err == nil && prefix.Addr() == ip.WithZone("") {
			return true
		}
	}
	return false
}
