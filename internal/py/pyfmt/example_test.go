package pyfmt_test

import (
	"fmt"
	"net"
	"net/netip"

	"fopnp/internal/py/pyfmt"
)

// repr(b'...') of a question, of one with an apostrophe, and of bytes that are
// not ASCII.
func ExampleBytes_repr() {
	fmt.Println(pyfmt.Bytes([]byte("Simple is better than?")))
	fmt.Println(pyfmt.Bytes([]byte("Don't?")))
	fmt.Println(pyfmt.Bytes([]byte("caf\xc3\xa9\r\n")))
	// Output:
	// b'Simple is better than?'
	// b"Don't?"
	// b'caf\xc3\xa9\r\n'
}

// repr('...') of a text, of one with an invisible character, and of a file
// name in Latin-1.
func ExampleStr_repr() {
	fmt.Println(pyfmt.Str("Don't say \"café\""))
	fmt.Println(pyfmt.Str("paypal\u200b.example"))
	fmt.Println(pyfmt.Str("caf\xe9.txt"))
	// Output:
	// 'Don\'t say "café"'
	// 'paypal\u200b.example'
	// 'caf\udce9.txt'
}

// sock.getpeername() of a client over IPv4, and of the same client as a
// listener for both IPv4 and IPv6 sees it.
func ExampleAddr_getpeername() {
	peer := &net.TCPAddr{IP: net.ParseIP("127.0.0.1"), Port: 41285}
	fmt.Println("Accepted connection from", pyfmt.Addr(peer))
	peer.IP = net.ParseIP("::ffff:127.0.0.1")
	fmt.Println("Accepted connection from", pyfmt.Addr(peer))
	// Output:
	// Accepted connection from ('127.0.0.1', 41285)
	// Accepted connection from ('127.0.0.1', 41285)
}

// sock.getsockname() of a listening Unix socket.
func ExampleAddr_getsockname() {
	listener := &net.UnixAddr{Name: "/tmp/zen.sock", Net: "unix"}
	fmt.Println("Listening at", pyfmt.Addr(listener))
	// Output:
	// Listening at '/tmp/zen.sock'
}

// sock.recvfrom(65535)[1] of a datagram over IPv6: from this host, and from a
// neighbour on the link of interface 7000001.
func ExampleAddrPort_recvfrom() {
	fmt.Println(pyfmt.AddrPort(netip.MustParseAddrPort("[::1]:41285")))
	fmt.Println(pyfmt.AddrPort(
		netip.MustParseAddrPort("[fe80::1%7000001]:41285")))
	// Output:
	// ('::1', 41285, 0, 0)
	// ('fe80::1', 41285, 0, 7000001)
}

// (args.host, args.p) of a server that will listen on every interface.
func ExampleHostPort_args() {
	fmt.Println(pyfmt.HostPort("", 1060))
	// Output:
	// ('', 1060)
}

// print data, for a text, for a message that would print as two lines, and for
// bytes that would clear the screen.
func ExampleBare_print() {
	fmt.Println(pyfmt.Bare([]byte(`Don't say "café"\n`)))
	fmt.Println(pyfmt.Bare([]byte("good\nConnected: ('127.0.0.1', 41285)")))
	fmt.Println(pyfmt.Bare([]byte("\x1b[2J\xff\u202e")))
	// Output:
	// Don't say "café"\n
	// good\nConnected: ('127.0.0.1', 41285)
	// \x1b[2J\xff\xe2\x80\xae
}

// print `data`[1:-1], for two lines, for quotes, and for bytes that are not
// ASCII.
func ExampleUnquoted_repr() {
	fmt.Println(pyfmt.Unquoted([]byte("two\nlines")))
	fmt.Println(pyfmt.Unquoted([]byte(`Don't`)), pyfmt.Unquoted([]byte(`"Don't"`)))
	fmt.Println(pyfmt.Unquoted([]byte("caf\xc3\xa9")))
	// Output:
	// two\nlines
	// Don't "Don\'t"
	// caf\xc3\xa9
}

// print ('Received', repr(data)), as Python 2 prints it, for a text, for quotes,
// and for bytes that are not ASCII.
func ExampleRepr_tuple() {
	for _, data := range []string{"Hello, world", `it's`, `"it's"`, "two\nlines\xff", ""} {
		fmt.Printf("('Received', %s)\n", pyfmt.Repr(pyfmt.Repr([]byte(data))))
	}
	// Output:
	// ('Received', "'Hello, world'")
	// ('Received', '"it\'s"')
	// ('Received', '\'"it\\\'s"\'')
	// ('Received', "'two\\nlines\\xff'")
	// ('Received', "''")
}

// b'MixedCaseString'.upper(), and the same for bytes that are not ASCII
// letters.
func ExampleUpper() {
	fmt.Println(pyfmt.Bytes(pyfmt.Upper([]byte("MixedCaseString"))))
	fmt.Println(pyfmt.Bytes(pyfmt.Upper([]byte("`{caf\xc3\xa9\xff"))))
	// Output:
	// b'MIXEDCASESTRING'
	// b'`{CAF\xc3\xa9\xff'
}
