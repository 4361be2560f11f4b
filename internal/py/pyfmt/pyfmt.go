// Package pyfmt prints bytes, text and socket addresses exactly as Python 3
// does. So the output of a program here can be compared byte for byte with the
// output of its Python original.
//
// When Python prints a value inside another one, such as the host in an
// address, it uses repr. That is why an address shows its host in quotes, and
// why anything that a peer sends stays on one line: no value printed here
// contains a newline, or a control character that the terminal would obey.
package pyfmt

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bytes returns Python's repr of a bytes object:
//
//	>>> b'Simple is better than?'
//	b'Simple is better than?'
//
// The quote is ', or " if b contains ' and no ". That quote, the backslash,
// tab, newline and carriage return are escaped with a backslash. Any other byte
// outside 0x20 to 0x7e becomes \xNN. The result is printable ASCII.
func Bytes(b []byte) string {
	quote := quoteFor(string(b))
	out := append(make([]byte, 0, len(b)+8), 'b', quote)
	plain := 0 // where the next run of bytes without escapes begins
	for i, c := range b {
		if ' ' <= c && c <= '~' && c != quote && c != '\\' {
			continue
		}
		out = append(out, b[plain:i]...)
		out = appendChar(out, rune(c), quote, false)
		plain = i + 1
	}
	out = append(out, b[plain:]...)
	return string(append(out, quote))
}

// Str returns Python's repr of a str:
//
//	>>> 'Now is better than?'
//	'Now is better than?'
//
// Quotes, backslashes, tabs and line ends are as in [Bytes]. A character that
// is not printable for Python's str.isprintable (control and format characters,
// private and unassigned code points, separators other than the ASCII space)
// becomes the shortest of \xNN, \uNNNN and \UNNNNNNNN that holds it. Every
// other character stands for itself. A byte that is not part of valid UTF-8
// becomes \udcNN, as in a file name that Python decoded with
// errors='surrogateescape'.
//
// Python and Go each have their own version of Unicode. The results can differ
// only for characters that one of the two does not know yet.
func Str(s string) string {
	quote := quoteFor(s)
	out := []byte{quote}
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			// Not UTF-8. Python keeps the byte as a lone surrogate.
			out = appendChar(out, 0xdc00+rune(s[0]), quote, false)
		} else {
			out = appendChar(out, r, quote, unicode.IsPrint(r))
		}
		s = s[size:]
	}
	return string(append(out, quote))
}

// Addr returns the address of a socket as Python prints the addresses that
// accept, getpeername, getsockname and recvfrom return:
//
//	>>> listener.accept()[1]
//	('127.0.0.1', 41285)
//
// Addresses of TCP and UDP are printed as [AddrPort] does, and so are those of
// raw IP, which have port 0 in Python.
//
// A Unix address is the path that its socket is bound to, an empty path if the
// socket is not bound, or, on Linux, the bytes of an abstract name, which
// package net writes as @name:
//
//	'/tmp/zen.sock'
//	''
//	b'\x00name'
//
// Nil, or a nil pointer to any of these types, is None, which is what Python
// returns for a Unix datagram whose sender has no address. An address of any
// other type is the [Str] of its String.
func Addr(a net.Addr) string {
	switch a := a.(type) {
	case nil:
	case *net.TCPAddr:
		if a != nil {
			return AddrPort(a.AddrPort())
		}
	case *net.UDPAddr:
		if a != nil {
			return AddrPort(a.AddrPort())
		}
	case *net.IPAddr:
		if a != nil {
			return Addr(&net.TCPAddr{IP: a.IP, Zone: a.Zone})
		}
	case *net.UnixAddr:
		if a != nil {
			return unixName(a.Name)
		}
	default:
		return Str(a.String())
	}
	return "None"
}

// AddrPort returns an IPv4 address as Python's pair of host and port, and an
// IPv6 address as its tuple of host, port, flow label (always 0) and scope id:
//
//	>>> listener.getsockname()
//	('::1', 41285, 0, 0)
//
// The scope id is the zone as a number, as in Python 3.7 and later: the index
// of the interface with that name, or else the number that the zone spells, or
// else 0. The IPv6 host is written as glibc's inet_ntop does, which differs
// from netip for IPv4-compatible addresses: ::1.2.3.4.
//
// An IPv4-mapped address such as ::ffff:127.0.0.1 is printed as the pair of its
// IPv4 address, because a Go listener may serve IPv4 and IPv6 from one socket
// where the Python programs ask for IPv4. Without an IP, as net.ResolveTCPAddr
// resolves ":1060", the host is empty, which means every interface in Python.
func AddrPort(ap netip.AddrPort) string {
	ip, port := ap.Addr().Unmap(), int(ap.Port())
	switch {
	case !ip.IsValid():
		return HostPort("", port)
	case ip.Is4():
		// This avoids fmt, because servers print an address for every client.
		text := ip.AppendTo(append(make([]byte, 0, len("('255.255.255.255', 65535)")), "('"...))
		return string(append(strconv.AppendInt(append(text, "', "...), int64(port), 10), ')'))
	}
	return fmt.Sprintf("('%s', %d, 0, %d)", ntop6(ip), port, scopeID(ip.Zone()))
}

// HostPort returns the pair of a host and a port as Python prints it, for
// example as given on the command line:
//
//	>>> (args.host, args.p)
//	('', 1060)
//
// The host is printed as [Str] does, whether or not it is the name of a host.
func HostPort(host string, port int) string {
	return fmt.Sprintf("(%s, %d)", Str(host), port)
}

// quoteFor returns the quote that Python puts around s: the double quote only
// if that saves a backslash and costs none.
func quoteFor(s string) byte {
	if strings.Contains(s, `'`) && !strings.Contains(s, `"`) {
		return '"'
	}
	return '\''
}

// appendChar appends r as repr writes it between the given quotes.
func appendChar(out []byte, r rune, quote byte, printable bool) []byte {
	switch {
	case r == rune(quote), r == '\\':
		return append(out, '\\', byte(r))
	case r == '\t':
		return append(out, `\t`...)
	case r == '\n':
		return append(out, `\n`...)
	case r == '\r':
		return append(out, `\r`...)
	case printable:
		return utf8.AppendRune(out, r)
	case r <= 0xff:
		return fmt.Appendf(out, `\x%02x`, r)
	case r <= 0xffff:
		return fmt.Appendf(out, `\u%04x`, r)
	}
	return fmt.Appendf(out, `\U%08x`, r)
}

// ntop6 returns an IPv6 address without its zone, as glibc's inet_ntop writes
// it.
func ntop6(ip netip.Addr) string {
	b := ip.As16()
	// Six groups are zero, and the seventh is not. If it were, as in ::1, glibc
	// would not take the rest for an IPv4 address.
	if [12]byte(b[:12]) == [12]byte{} && b[12]|b[13] != 0 {
		return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
	}
	return ip.WithZone("").String()
}

// scopeID returns the number of a zone. The name of an interface takes
// precedence, as in package net, even if that name is a number.
func scopeID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if ifi, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifi.Index)
	}
	id, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return 0 // the interface is gone, or there never was one
	}
	return uint32(id)
}

// atIsNUL says whether package net writes the NUL at the start of an abstract
// Unix name as @. On other systems, @ is an ordinary first character of a path.
const atIsNUL = runtime.GOOS == "linux" || runtime.GOOS == "android" ||
	runtime.GOOS == "windows"

// unixName returns the name of a Unix socket as Python prints it.
func unixName(name string) string {
	switch {
	case !atIsNUL || !strings.HasPrefix(name, "@"):
		return Str(name)
	case name == "@":
		// The peer never bound its socket, so it has no name. But package net
		// finds a NUL where the name would start, and shows it as @.
		return Str("")
	}
	return Bytes([]byte("\x00" + name[1:]))
}
