// Package pyfmt prints bytes, texts and socket addresses exactly as Python 3
// prints them, so that what a program here writes can be laid beside what its
// original wrote and compared byte for byte.
//
// Python puts a value that stands inside another, such as the host inside an
// address, through repr. That is why an address shows its host in quotes, and
// why whatever a peer sends stays on one line: no value printed here contains
// a newline, or a control character that the terminal would obey.
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
// The quote is ', or " when b contains ' and no ". That quote, the backslash,
// tab, newline and carriage return take a backslash; any other byte outside
// 0x20 to 0x7e becomes \xNN. The result is printable ASCII.
func Bytes(b []byte) string {
	quote := quoteFor(string(b))
	out := append(make([]byte, 0, len(b)+8), 'b', quote)
	plain := 0 // where those bytes begin that stand for themselves
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
// Quotes and backslashes are as in [Bytes]. A character that str.isprintable
// refuses (controls, formats, private and unassigned code points, separators
// other than the ASCII space) becomes the shortest of \xNN, \uNNNN and
// \UNNNNNNNN that holds it; every other character stands for itself. A byte
// that is no part of valid UTF-8 becomes \udcNN, as Python shows a file name
// it had to decode with errors='surrogateescape'.
//
// Python and Go each carry an edition of Unicode. They can differ only about
// characters that one of the two editions does not know yet.
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

// Addr returns the address of a socket as Python prints what accept,
// getpeername, getsockname and recvfrom return:
//
//	>>> listener.accept()[1]
//	('127.0.0.1', 41285)
//
// The addresses of TCP and UDP are printed by [AddrPort], and so are those of
// raw IP, which Python gives the port 0.
//
// A Unix address is the path that its socket is bound to, an empty one if it
// is not bound, or on Linux the bytes of an abstract name, for which package
// net writes @name:
//
//	'/tmp/zen.sock'
//	''
//	b'\x00name'
//
// Nil, and a nil pointer to any of these types, is None: what Python names as
// the sender of a Unix datagram that has none. An address of any other type
// is the [Str] of its String.
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

// AddrPort returns an address of IPv4 as Python's pair of host and port, and
// one of IPv6 as its four: host, port, flow label (always 0) and scope id.
//
//	>>> listener.getsockname()
//	('::1', 41285, 0, 0)
//
// The scope id is the zone as a number, as since Python 3.7: the index of the
// interface with that name, else the number that the zone spells, else 0. The
// IPv6 host is written as by glibc's inet_ntop, which differs from netip in
// writing an IPv4-compatible address dotted: ::1.2.3.4.
//
// An IPv4-mapped address, ::ffff:127.0.0.1, is the pair of its IPv4 address:
// a Go listener may serve both families from one socket, where the Python
// programs ask for IPv4. Without an IP, which is how net.ResolveTCPAddr
// resolves ":1060", the host is empty, Python's name for every interface.
func AddrPort(ap netip.AddrPort) string {
	ip, port := ap.Addr().Unmap(), int(ap.Port())
	switch {
	case !ip.IsValid():
		return HostPort("", port)
	case ip.Is4():
		return HostPort(ip.String(), port)
	}
	return fmt.Sprintf("('%s', %d, 0, %d)", ntop6(ip), port, scopeID(ip.Zone()))
}

// HostPort returns the pair of a host and a port as Python prints it before
// any socket has seen it, for instance as asked for on the command line:
//
//	>>> (args.host, args.p)
//	('', 1060)
//
// The host is printed by [Str], whether or not it is the name of anything.
func HostPort(host string, port int) string {
	return fmt.Sprintf("(%s, %d)", Str(host), port)
}

// quoteFor returns the quote that Python puts around a literal of s: the
// double one only where it saves a backslash and costs none.
func quoteFor(s string) byte {
	if strings.Contains(s, `'`) && !strings.Contains(s, `"`) {
		return '"'
	}
	return '\''
}

// appendChar appends r as it stands in a literal between the given quotes.
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

// ntop6 returns the text of an IPv6 address, without its zone, as glibc's
// inet_ntop writes it.
func ntop6(ip netip.Addr) string {
	b := ip.As16()
	// Six groups of zeros and no seventh. With a seventh, as in ::1, glibc
	// no longer takes the rest for an IPv4 address.
	if [12]byte(b[:12]) == [12]byte{} && b[12]|b[13] != 0 {
		return "::" + netip.AddrFrom4([4]byte(b[12:])).String()
	}
	return ip.WithZone("").String()
}

// scopeID returns the number of a zone. The name of an interface goes first,
// as it does in package net, even if the name happens to be a number.
func scopeID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if ifi, err := net.InterfaceByName(zone); err == nil {
		return uint32(ifi.Index)
	}
	id, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return 0 // gone with its interface, or never the zone of one
	}
	return uint32(id)
}

// atIsNUL tells whether package net writes the NUL at the start of an
// abstract Unix name as @. Elsewhere a path may start with @ like any other.
const atIsNUL = runtime.GOOS == "linux" || runtime.GOOS == "android" ||
	runtime.GOOS == "windows"

// unixName returns the name of a Unix socket as Python prints it.
func unixName(name string) string {
	switch {
	case !atIsNUL || !strings.HasPrefix(name, "@"):
		return Str(name)
	case name == "@":
		// The peer never bound its socket. There is no name, yet package
		// net finds a NUL where the name would start and shows it as @.
		return Str("")
	}
	return Bytes([]byte("\x00" + name[1:]))
}
