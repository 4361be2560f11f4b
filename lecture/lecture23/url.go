package lecture23

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
)

// errNoHost is the error of a URL or a word that should name a host, and does
// not.
var errNoHost = errors.New("no host")

// ParseURL parses the URL of a page, whose scheme must be one of schemes. The
// URL that it returns has no fragment, because a fragment is for the browser: a
// client does not send it. Every character that a request line cannot hold is
// percent-encoded.
//
// The error says what is wrong with the URL: it has no scheme or another one,
// no host, a percent sign in the host, a user name, a port above 65535, or a
// control character.
func ParseURL(text string, schemes ...string) (*url.URL, error) {
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case strings.HasPrefix(rest, "//"):
	case slices.Contains(schemes, strings.ToLower(scheme)): // http:/page
		return nil, errNoHost
	default: // such as host:port/page
		return nil, errors.New("no scheme, such as http://")
	}
	u, err := url.Parse(text)
	var reason *url.Error
	if errors.As(err, &reason) {
		return nil, reason.Err // without the URL, which our line names already
	}
	switch {
	case !slices.Contains(schemes, u.Scheme):
		return nil, fmt.Errorf("the scheme is %s, not %s",
			pyfmt.Str(scheme), strings.Join(schemes, " or "))
	case u.Hostname() == "":
		return nil, errNoHost
	case strings.Contains(u.Hostname(), "%") && !strings.HasPrefix(u.Host, "["):
		return nil, errors.New("the host contains a percent sign")
	case u.User != nil:
		return nil, errors.New("a user name is not supported")
	}
	_, err = strconv.ParseUint(u.Port(), 10, 16)
	if u.Port() != "" && err != nil {
		return nil, fmt.Errorf("port %s is above 65535", u.Port())
	}
	u.Fragment, u.RawFragment = "", ""
	u.Host = strings.TrimSuffix(u.Host, ":") // a port may be empty
	u.RawQuery = encode(u.RawQuery)
	return u, nil
}

// encode percent-encodes what is not printable ASCII, and the space, which
// would end the URL in a request line.
func encode(text string) string {
	var encoded strings.Builder
	for _, b := range []byte(text) {
		if b <= ' ' || b > '~' {
			fmt.Fprintf(&encoded, "%%%02X", b)
		} else {
			encoded.WriteByte(b)
		}
	}
	return encoded.String()
}

// SplitURL splits the URL of a page. Text is the URL as the user typed it.
// SplitURL returns what Python prints for the list text.split('/'), the server
// as the URL names it, the path of the page there, and the address to connect
// to. A URL without a path means the path "/", and without a port, port 80.
func SplitURL(u *url.URL, text string) (
	list, server, page string, address socket.Address,
) {
	var quoted []string
	for part := range strings.SplitSeq(text, "/") {
		quoted = append(quoted, pyfmt.Str(part))
	}
	list = "[" + strings.Join(quoted, ", ") + "]"
	address = socket.Address{Host: u.Hostname(), Port: 80}
	if u.Port() != "" {
		address.Port, _ = strconv.Atoi(u.Port()) // ParseURL has checked it
	}
	return list, hostOf(u), u.RequestURI(), address
}

// hostOf returns HOST or HOST:PORT as a Host field has it. The zone of an IPv6
// address is left out, because it means something on this host only.
func hostOf(u *url.URL) string {
	host, _, hasZone := strings.Cut(u.Hostname(), "%")
	switch {
	case !hasZone:
		return u.Host
	case u.Port() == "":
		return "[" + host + "]"
	}
	return net.JoinHostPort(host, u.Port())
}

// ParseHost parses HOST or HOST:PORT. The default port is port. An IPv6 address
// with a port is in brackets, as in [::1]:8080. ParseHost returns the server as
// a Host field names it, and the address to connect to. The error says that
// there is no host, or that the port is not a port number.
func ParseHost(word string, port int) (
	server string, address socket.Address, err error,
) {
	host, p, err := net.SplitHostPort(word)
	if err != nil { // there is no port
		host, p = strings.Trim(word, "[]"), strconv.Itoa(port)
	}
	if host == "" {
		return "", address, errNoHost
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil {
		return "", address, fmt.Errorf("%s is not a port", pyfmt.Str(p))
	}
	zoneless, _, _ := strings.Cut(host, "%")
	server = net.JoinHostPort(zoneless, p)
	return server, socket.Address{Host: host, Port: int(n)}, nil
}
