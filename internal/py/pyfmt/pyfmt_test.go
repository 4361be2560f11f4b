package pyfmt_test

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"fopnp/internal/py/pyfmt"
)

func TestBytes(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", `b''`},
		{"Simple is better than?", `b'Simple is better than?'`},
		{`say "now"`, `b'say "now"'`},
		{`don't`, `b"don't"`},
		{`don't say "now"`, `b'don\'t say "now"'`},
		{`'`, `b"'"`},
		{`"`, `b'"'`},
		{`\`, `b'\\'`},
		{`\n`, `b'\\n'`},
		{`'\`, `b"'\\"`},
		{"Tab\there\r\n\v\f\b\a", `b'Tab\there\r\n\x0b\x0c\x08\x07'`},
		{"\x00\x1f ~\x7f\x80\xff", `b'\x00\x1f ~\x7f\x80\xff'`},
		{"café", `b'caf\xc3\xa9'`},
	} {
		if got := pyfmt.Bytes([]byte(tt.in)); got != tt.want {
			t.Errorf("Bytes(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
	if got, want := pyfmt.Bytes(nil), `b''`; got != want {
		t.Errorf("Bytes(nil) = %s, want %s", got, want)
	}
}

func TestStr(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", `''`},
		{"Now is better than?", `'Now is better than?'`},
		{`say "now"`, `'say "now"'`},
		{`don't`, `"don't"`},
		{`don't say "now"`, `'don\'t say "now"'`},
		{`'`, `"'"`},
		{`"`, `'"'`},
		{`\`, `'\\'`},
		{`'\`, `"'\\"`},
		{"Tab\there\r\n\v\f\b\a", `'Tab\there\r\n\x0b\x0c\x08\x07'`},
		{"\x1b[2J", `'\x1b[2J'`},

		// Letters, marks and symbols stand for themselves.
		{"café", `'café'`},
		{"cafe\u0301", "'cafe\u0301'"},
		{"禅 😀", `'禅 😀'`},
		{"\u20ac\ufffd", "'\u20ac\ufffd'"},

		// One character of each category that is escaped, at each width.
		{"\u0085", `'\x85'`},           // Cc: next line
		{"\u00ad", `'\xad'`},           // Cf: soft hyphen
		{"\u200b", `'\u200b'`},         // Cf: zero width space
		{"\U000e0001", `'\U000e0001'`}, // Cf: language tag
		{"\ue000", `'\ue000'`},         // Co: private use
		{"\U0010fffd", `'\U0010fffd'`}, // Co: private use
		{"\uffff", `'\uffff'`},         // Cn: noncharacter
		{"\U0010ffff", `'\U0010ffff'`}, // Cn: noncharacter
		{"\u2028", `'\u2028'`},         // Zl: line separator
		{"\u2029", `'\u2029'`},         // Zp: paragraph separator
		{"\u00a0", `'\xa0'`},           // Zs: no-break space
		{"\u3000", `'\u3000'`},         // Zs: ideographic space

		// Bytes that are not UTF-8.
		{"caf\xe9.txt", `'caf\udce9.txt'`},                  // Latin-1
		{"\xe2\x82", `'\udce2\udc82'`},                      // cut short
		{"\xe2\x82\xacuro\xe2\x82", "'€uro\\udce2\\udc82'"}, // cut short again
		{"\xc0\xa7", `'\udcc0\udca7'`},                      // ' as two bytes
		{"\xed\xa0\x80", `'\udced\udca0\udc80'`},            // a surrogate
		{"\xf4\x90\x80\x80", `'\udcf4\udc90\udc80\udc80'`},  // too large
		{"\xff'", `"\udcff'"`},
	} {
		if got := pyfmt.Str(tt.in); got != tt.want {
			t.Errorf("Str(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// everyByte is what Python prints between the quotes of a bytes literal for
// each of the 256 bytes. SP stands for a space and BQ for a backquote.
var everyByte = strings.Fields(`
\x00 \x01 \x02 \x03 \x04 \x05 \x06 \x07 \x08 \t \n \x0b \x0c \r \x0e \x0f
\x10 \x11 \x12 \x13 \x14 \x15 \x16 \x17 \x18 \x19 \x1a \x1b \x1c \x1d \x1e \x1f
SP ! " # $ % & ' ( ) * + , - . /
0 1 2 3 4 5 6 7 8 9 : ; < = > ?
@ A B C D E F G H I J K L M N O
P Q R S T U V W X Y Z [ \\ ] ^ _
BQ a b c d e f g h i j k l m n o
p q r s t u v w x y z { | } ~ \x7f
\x80 \x81 \x82 \x83 \x84 \x85 \x86 \x87 \x88 \x89 \x8a \x8b \x8c \x8d \x8e \x8f
\x90 \x91 \x92 \x93 \x94 \x95 \x96 \x97 \x98 \x99 \x9a \x9b \x9c \x9d \x9e \x9f
\xa0 \xa1 \xa2 \xa3 \xa4 \xa5 \xa6 \xa7 \xa8 \xa9 \xaa \xab \xac \xad \xae \xaf
\xb0 \xb1 \xb2 \xb3 \xb4 \xb5 \xb6 \xb7 \xb8 \xb9 \xba \xbb \xbc \xbd \xbe \xbf
\xc0 \xc1 \xc2 \xc3 \xc4 \xc5 \xc6 \xc7 \xc8 \xc9 \xca \xcb \xcc \xcd \xce \xcf
\xd0 \xd1 \xd2 \xd3 \xd4 \xd5 \xd6 \xd7 \xd8 \xd9 \xda \xdb \xdc \xdd \xde \xdf
\xe0 \xe1 \xe2 \xe3 \xe4 \xe5 \xe6 \xe7 \xe8 \xe9 \xea \xeb \xec \xed \xee \xef
\xf0 \xf1 \xf2 \xf3 \xf4 \xf5 \xf6 \xf7 \xf8 \xf9 \xfa \xfb \xfc \xfd \xfe \xff
`)

func init() {
	everyByte[' '], everyByte['`'] = " ", "`"
}

// inQuotes returns body in the quotes that Python chooses for it. The quotes
// inside body are not escaped yet.
func inQuotes(body string) string {
	if strings.Contains(body, `'`) && !strings.Contains(body, `"`) {
		return `"` + body + `"`
	}
	return `'` + strings.ReplaceAll(body, `'`, `\'`) + `'`
}

// TestEveryByte prints each byte alone and next to each quote: as a byte, as
// the code point of that number, and as a byte within a text.
func TestEveryByte(t *testing.T) {
	if len(everyByte) != 256 {
		t.Fatalf("the table has %d entries, want 256", len(everyByte))
	}
	for i, want := range everyByte {
		c := byte(i)
		point, inText := want, want
		if c > 0xa0 && c != 0xad { // a printable character of Latin-1
			point = string(rune(c))
		}
		if c > 0x7f {
			inText = fmt.Sprintf(`\udc%02x`, c)
		}
		for _, quotes := range []string{``, `'`, `"`, `'"`} {
			b := append([]byte{c}, quotes...)
			got, want := pyfmt.Bytes(b), "b"+inQuotes(want+quotes)
			if got != want {
				t.Errorf("Bytes(%q) = %s, want %s", b, got, want)
			}
			s := string(rune(c)) + quotes
			got, want = pyfmt.Str(s), inQuotes(point+quotes)
			if got != want {
				t.Errorf("Str(%q) = %s, want %s", s, got, want)
			}
			s = quotes + string(b)
			got, want = pyfmt.Str(s), inQuotes(quotes+inText+quotes)
			if got != want {
				t.Errorf("Str(%q) = %s, want %s", s, got, want)
			}
		}
	}
}

// otherAddr is an address of a type that pyfmt does not know.
type otherAddr string

func (a otherAddr) Network() string { return "other" }
func (a otherAddr) String() string  { return string(a) }

func TestAddr(t *testing.T) {
	local4, local6 := net.IPv4(127, 0, 0, 1), net.ParseIP("::1")
	link6 := net.ParseIP("fe80::1")
	unix := func(name string) net.Addr {
		return &net.UnixAddr{Name: name, Net: "unix"}
	}
	type row struct {
		in   net.Addr
		want string
	}
	rows := []row{
		{&net.TCPAddr{IP: local4, Port: 41285}, `('127.0.0.1', 41285)`},
		{&net.TCPAddr{IP: local4.To4(), Port: 1060}, `('127.0.0.1', 1060)`},
		{&net.TCPAddr{IP: net.IPv4zero, Port: 1060}, `('0.0.0.0', 1060)`},
		{&net.TCPAddr{IP: local6, Port: 41285}, `('::1', 41285, 0, 0)`},
		{&net.TCPAddr{IP: link6, Port: 1060, Zone: "7000001"},
			`('fe80::1', 1060, 0, 7000001)`},
		{&net.TCPAddr{Port: 1060}, `('', 1060)`},
		{&net.TCPAddr{}, `('', 0)`},

		{&net.UDPAddr{IP: local4, Port: 65535}, `('127.0.0.1', 65535)`},
		{&net.UDPAddr{IP: local6, Port: 1060}, `('::1', 1060, 0, 0)`},
		{&net.UDPAddr{IP: link6, Port: 1060, Zone: "7000001"},
			`('fe80::1', 1060, 0, 7000001)`},

		{&net.IPAddr{IP: local4}, `('127.0.0.1', 0)`},
		{&net.IPAddr{IP: link6, Zone: "7000001"}, `('fe80::1', 0, 0, 7000001)`},

		{unix("/tmp/zen.sock"), `'/tmp/zen.sock'`},
		{unix("/tmp/don't"), `"/tmp/don't"`},
		{unix("/tmp/caf\xe9"), `'/tmp/caf\udce9'`},
		{unix("zen@home"), `'zen@home'`},
		{unix(""), `''`},

		{nil, `None`},
		{(*net.TCPAddr)(nil), `None`},
		{(*net.UDPAddr)(nil), `None`},
		{(*net.IPAddr)(nil), `None`},
		{(*net.UnixAddr)(nil), `None`},

		{otherAddr("pipe"), `'pipe'`},
		{otherAddr("two\nlines"), `'two\nlines'`},
	}
	switch runtime.GOOS {
	case "linux", "android", "windows":
		rows = append(rows,
			row{unix("@name"), `b'\x00name'`},
			row{unix("@caf\xe9"), `b'\x00caf\xe9'`},
			row{unix("@@"), `b'\x00@'`},
			row{unix("@"), `''`})
	default:
		rows = append(rows,
			row{unix("@name"), `'@name'`},
			row{unix("@"), `'@'`})
	}
	for _, tt := range rows {
		if got := pyfmt.Addr(tt.in); got != tt.want {
			t.Errorf("Addr(%#v) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestUnboundPeer prints both addresses of a real connection: that of a client
// that never bound its socket, and the path that the client dialled.
func TestUnboundPeer(t *testing.T) {
	dir, err := os.MkdirTemp("", "zen") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "zen.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Skipf("no Unix sockets here: %v", err)
	}
	defer listener.Close()
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if got, want := pyfmt.Addr(server.RemoteAddr()), `''`; got != want {
		t.Errorf("the client is %s, want %s", got, want)
	}
	want := pyfmt.Str(path)
	if got := pyfmt.Addr(server.LocalAddr()); got != want {
		t.Errorf("the server is %s, want %s", got, want)
	}
}

func TestAddrPort(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"127.0.0.1:41285", `('127.0.0.1', 41285)`},
		{"0.0.0.0:0", `('0.0.0.0', 0)`},
		{"255.255.255.255:65535", `('255.255.255.255', 65535)`},

		{"[::1]:41285", `('::1', 41285, 0, 0)`},
		{"[::]:1060", `('::', 1060, 0, 0)`},
		{"[2001:DB8::A]:1060", `('2001:db8::a', 1060, 0, 0)`},
		{"[1:0:3:4:5:6:7:8]:1", `('1:0:3:4:5:6:7:8', 1, 0, 0)`},
		{"[1:0:0:4:5:0:0:8]:1", `('1::4:5:0:0:8', 1, 0, 0)`},
		{"[1:0:0:4:0:0:0:8]:1", `('1:0:0:4::8', 1, 0, 0)`},
		{"[1::]:1", `('1::', 1, 0, 0)`},

		// Mapped: an IPv4 client, as a listener for both families sees it.
		{"[::ffff:127.0.0.1]:41285", `('127.0.0.1', 41285)`},
		{"[::ffff:127.0.0.1%7000001]:41285", `('127.0.0.1', 41285)`},
		{"[::ffff:0:0]:1060", `('0.0.0.0', 1060)`},

		// Compatible: dotted if exactly the first six groups are zero.
		{"[::1.2.3.4]:1060", `('::1.2.3.4', 1060, 0, 0)`},
		{"[::1:0]:1060", `('::0.1.0.0', 1060, 0, 0)`},
		{"[::100:0]:1060", `('::1.0.0.0', 1060, 0, 0)`},
		{"[::ffff]:1060", `('::ffff', 1060, 0, 0)`},
		{"[::1.2.3.4%7000001]:1060", `('::1.2.3.4', 1060, 0, 7000001)`},
		{"[::fffe:1.2.3.4]:1060", `('::fffe:102:304', 1060, 0, 0)`},
		{"[64:ff9b::1.2.3.4]:1060", `('64:ff9b::102:304', 1060, 0, 0)`},

		// Zones: a number stands for itself if it fits into 32 bits.
		{"[fe80::1%7000001]:1060", `('fe80::1', 1060, 0, 7000001)`},
		{"[fe80::1%4294967295]:1060", `('fe80::1', 1060, 0, 4294967295)`},
		{"[fe80::1%4294967296]:1060", `('fe80::1', 1060, 0, 0)`},
		{"[fe80::1%-1]:1060", `('fe80::1', 1060, 0, 0)`},
		{"[fe80::1%no such\n'zone]:1060", `('fe80::1', 1060, 0, 0)`},
	} {
		got := pyfmt.AddrPort(netip.MustParseAddrPort(tt.in))
		if got != tt.want {
			t.Errorf("AddrPort(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
	for _, tt := range []struct {
		in   netip.AddrPort
		want string
	}{
		{netip.AddrPort{}, `('', 0)`},
		{netip.AddrPortFrom(netip.Addr{}, 1060), `('', 1060)`},
	} {
		if got := pyfmt.AddrPort(tt.in); got != tt.want {
			t.Errorf("AddrPort(%#v) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestZoneName uses the loopback interface as the zone, because every machine
// has one.
func TestZoneName(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Skipf("cannot list the interfaces: %v", err)
	}
	for _, ifi := range interfaces {
		if ifi.Flags&net.FlagLoopback == 0 {
			continue
		}
		a := &net.UDPAddr{IP: net.ParseIP("fe80::1"), Port: 1060, Zone: ifi.Name}
		want := fmt.Sprintf("('fe80::1', 1060, 0, %d)", ifi.Index)
		if got := pyfmt.Addr(a); got != want {
			t.Errorf("Addr(%v) = %s, want %s", a, got, want)
		}
		return
	}
	t.Skip("there is no loopback interface")
}

func TestHostPort(t *testing.T) {
	for _, tt := range []struct {
		host string
		port int
		want string
	}{
		{"", 1060, `('', 1060)`},
		{"127.0.0.1", 1060, `('127.0.0.1', 1060)`},
		{"::1", 1060, `('::1', 1060)`},
		{"café.example", 80, `('café.example', 80)`},
		{"'", 0, `("'", 0)`},
		{"two\nlines", -1, `('two\nlines', -1)`},
		{"\xff", math.MaxInt32, `('\udcff', 2147483647)`},
	} {
		if got := pyfmt.HostPort(tt.host, tt.port); got != tt.want {
			t.Errorf("HostPort(%q, %d) = %s, want %s",
				tt.host, tt.port, got, tt.want)
		}
	}
}
