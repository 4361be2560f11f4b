package slides_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
)

// These are the calls in the slides' tables, each under its Python name. All
// traffic stays on this host.

// must returns v. It panics if there is an error, which happens only on a host
// without a network.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// pair returns both ends of a TCP connection, as socket.socketpair does.
func pair() (client, server *net.TCPConn) {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	defer listener.Close()
	client = must(net.Dial("tcp", listener.Addr().String())).(*net.TCPConn)
	return client, must(listener.Accept()).(*net.TCPConn)
}

// socket.AF_INET, socket.AF_INET6 and socket.AF_UNIX are part of the network's
// name: "tcp4", "tcp6" or "unix". If the name is just "tcp", the address
// decides.
func Example_af_inet() {
	folder := must(os.MkdirTemp("", ""))
	defer os.RemoveAll(folder)
	for network, address := range map[string]string{
		"tcp4": "127.0.0.1:0",
		"unix": filepath.Join(folder, "s"),
	} {
		listener := must(net.Listen(network, address))
		_, isUnix := listener.Addr().(*net.UnixAddr)
		fmt.Println(network, isUnix)
		listener.Close()
	}
	_, err := net.Listen("tcp6", "127.0.0.1:0")
	fmt.Println("tcp6", err != nil)
	// Unordered output:
	// tcp4 false
	// unix true
	// tcp6 true
}

// socket.SOCK_STREAM and socket.SOCK_DGRAM are the rest of the name: "tcp" and
// "udp". A stream has a Listener, which returns connections. Datagrams have a
// PacketConn, which returns datagrams.
func Example_sock_stream() {
	stream := must(net.Listen("tcp", "127.0.0.1:0"))
	datagrams := must(net.ListenPacket("udp", "127.0.0.1:0"))
	fmt.Println(stream.Addr().Network(), datagrams.LocalAddr().Network())
	stream.Close()
	datagrams.Close()
	// Output:
	// tcp udp
}

// socket.SOCK_RAW: the network's name is "ip4:" and a protocol. You need a
// privilege that most users do not have.
func Example_sock_raw() {
	icmp, err := net.ListenPacket("ip4:icmp", "127.0.0.1")
	fmt.Println(err == nil || errors.Is(err, os.ErrPermission))
	if err == nil {
		icmp.Close()
	}
	// Output:
	// true
}

// s.bind(address), s.listen(backlog) and s.getsockname() of a server:
// net.Listen does the first two at once, with the longest backlog that the
// system allows. If the port is 0, the system chooses one.
func Example_bind() {
	s := must(net.Listen("tcp", "127.0.0.1:0"))
	defer s.Close()
	fmt.Println(s.Addr().(*net.TCPAddr).IP, s.Addr().(*net.TCPAddr).Port != 0)
	_, err := net.Listen("tcp", s.Addr().String())
	fmt.Println("a second time:", err != nil)
	// Output:
	// 127.0.0.1 true
	// a second time: true
}

// s.connect(address), s.accept() and s.getpeername(): accept returns a new
// socket, not the one that listens, and each end is the other's peer.
func Example_accept() {
	s := must(net.Listen("tcp", "127.0.0.1:0"))
	client := must(net.Dial("tcp", s.Addr().String()))
	server := must(s.Accept())
	s.Close() // the accepted connection stays open
	fmt.Println(client.RemoteAddr().String() == server.LocalAddr().String())
	fmt.Println(server.RemoteAddr().String() == client.LocalAddr().String())
	client.Close()
	server.Close()
	// Output:
	// true
	// true
}

// s.connect(address), if no program listens there.
func Example_connect() {
	s := must(net.Listen("tcp", "127.0.0.1:0"))
	s.Close()
	_, err := net.Dial("tcp", s.Addr().String())
	fmt.Println("refused:", err != nil)
	// Output:
	// refused: true
}

// s.send(string) and s.recv(bufsize): Write sends everything, as s.sendall
// does. Read returns as much of what has arrived as fits into the buffer.
func Example_send() {
	client, server := pair()
	fmt.Println(must(client.Write([]byte("hello"))))
	buffer := make([]byte, 2)
	n := must(server.Read(buffer))
	fmt.Println(pyfmt.Bytes(buffer[:n]))
	client.Close()
	fmt.Println(pyfmt.Bytes(must(io.ReadAll(server))))
	server.Close()
	// Output:
	// 5
	// b'he'
	// b'llo'
}

// s.sendto(string, address) and s.recvfrom(bufsize): without a connection, you
// give every datagram an address, and every datagram brings its sender's.
func Example_sendto() {
	server := must(net.ListenPacket("udp", "127.0.0.1:0"))
	client := must(net.ListenPacket("udp", "127.0.0.1:0"))
	must(client.WriteTo([]byte("MixedCaseString"), server.LocalAddr()))
	buffer := make([]byte, 1024)
	n, address, err := server.ReadFrom(buffer)
	fmt.Println(pyfmt.Bytes(buffer[:n]), err)
	fmt.Println(address.String() == client.LocalAddr().String())
	server.Close()
	client.Close()
	// Output:
	// b'MixedCaseString' <nil>
	// true
}

// s.shutdown(SHUT_WR): the peer reads end of file, and can still answer.
func Example_shutdown() {
	client, server := pair()
	must(client.Write([]byte("the question")))
	client.CloseWrite()
	question := must(io.ReadAll(server))
	must(fmt.Fprintf(server, "to %q", question))
	server.Close()
	fmt.Printf("%s\n", must(io.ReadAll(client)))
	client.Close()
	// Output:
	// to "the question"
}

// s.close(): you cannot use a closed socket any more.
func Example_close() {
	client, server := pair()
	server.Close()
	_, err := server.Write([]byte("hello"))
	fmt.Println(errors.Is(err, net.ErrClosed))
	client.Close()
	// Output:
	// true
}

// s.makefile(mode): a bufio.Reader or Scanner finds the lines, however they
// were split into segments. A bufio.Writer sends several lines together.
func Example_makefile() {
	client, server := pair()
	w := bufio.NewWriter(client)
	fmt.Fprintln(w, "first line")
	fmt.Fprintln(w, "second line")
	w.Flush()
	client.Close()
	f := bufio.NewScanner(server)
	for f.Scan() {
		fmt.Println(pyfmt.Str(f.Text()))
	}
	server.Close()
	// Output:
	// 'first line'
	// 'second line'
}

// s.setblocking(0): after a deadline in the past, Read does not wait.
func Example_setblocking() {
	client, server := pair()
	server.SetReadDeadline(time.Now())
	_, err := server.Read(make([]byte, 1024))
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))
	client.Close()
	server.Close()
	// Output:
	// true
}

// s.settimeout(seconds): in Go you say until when, not how long, and the
// deadline holds for all calls together. No limit is None in Python, and the
// zero Time in Go.
func Example_settimeout() {
	client, server := pair()
	server.SetDeadline(time.Now().Add(time.Millisecond))
	_, err := server.Read(make([]byte, 1024))
	fmt.Println(err.(net.Error).Timeout())
	server.SetDeadline(time.Time{})
	client.Close()
	_, err = server.Read(make([]byte, 1024))
	fmt.Println(err)
	server.Close()
	// Output:
	// true
	// EOF
}

// socket.setdefaulttimeout(seconds): package net has no default timeout for all
// sockets. A Dialer has one for its own connections, and our package socket has
// one for the conversations of our servers.
func Example_setdefaulttimeout() {
	client, server := pair()
	socket.SetDefaultTimeout(time.Millisecond)
	defer socket.SetDefaultTimeout(0)
	conversation := socket.Converse(server)
	_, err := conversation.Read(make([]byte, 1024))
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))
	client.Close()
	conversation.Close()

	dialer := net.Dialer{Deadline: time.Now()}
	_, err = dialer.Dial("tcp", "127.0.0.1:2345")
	fmt.Println(err.(net.Error).Timeout())
	// Output:
	// true
	// true
}

// socket.htons(x) and socket.htonl(x): a Go program need not know the byte
// order of its host. It writes numbers in network order, big end first.
func Example_htons() {
	fmt.Printf("% x\n", binary.BigEndian.AppendUint16(nil, 2345))
	fmt.Printf("% x\n", binary.BigEndian.AppendUint32(nil, 0x7f000001))
	// Output:
	// 09 29
	// 7f 00 00 01
}

// socket.ntohs(x) and socket.ntohl(x): a Go program also reads numbers in
// network order.
func Example_ntohs() {
	fmt.Println(binary.BigEndian.Uint16([]byte{0x09, 0x29}))
	fmt.Printf("%#x\n", binary.BigEndian.Uint32([]byte{127, 0, 0, 1}))
	// Output:
	// 2345
	// 0x7f000001
}

// socket.inet_aton(ipstr): from the dotted quad to four bytes. Python accepts
// "127.1" as the same address; netip does not.
func Example_inet_aton() {
	ip := must(netip.ParseAddr("127.0.0.1"))
	fmt.Println(pyfmt.Bytes(ip.AsSlice()))
	_, err := netip.ParseAddr("127.1")
	fmt.Println("127.1:", err != nil)
	// Output:
	// b'\x7f\x00\x00\x01'
	// 127.1: true
}

// socket.inet_ntoa(packed): from four bytes to the dotted quad.
func Example_inet_ntoa() {
	fmt.Println(netip.AddrFrom4([4]byte{202, 125, 157, 196}))
	// Output:
	// 202.125.157.196
}

// hosts looks up names in this host's own table. It asks no server.
var hosts = &net.Resolver{
	PreferGo: true,
	Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("hosts must ask no server")
	},
}

// socket.gethostbyname(hostname): if you look up an address, you get it back.
// The name localhost, if the host knows it, is the host itself.
func Example_gethostbyname() {
	fmt.Println(must(hosts.LookupHost(context.Background(), "127.0.0.1")))
	addresses, err := hosts.LookupNetIP(context.Background(), "ip", "localhost")
	itself := err != nil || len(addresses) > 0
	for _, a := range addresses {
		itself = itself && a.Unmap().IsLoopback()
	}
	fmt.Println(itself)
	// Output:
	// [127.0.0.1]
	// true
}

// socket.gethostbyname_ex(hostname): the canonical name and all addresses.
// Python also returns the aliases. Go has no call for them.
func Example_gethostbyname_ex() {
	name, err := hosts.LookupCNAME(context.Background(), "localhost")
	fmt.Println(name != "" || err != nil)
	addresses := must(hosts.LookupHost(context.Background(), "127.0.0.1"))
	fmt.Println(addresses)
	// Output:
	// true
	// [127.0.0.1]
}

// socket.getaddrinfo(host, port): the newer call that replaces all of these. In
// Go, net.Dial looks up the addresses and tries them one after the other.
func Example_getaddrinfo() {
	address := must(net.ResolveTCPAddr("tcp", "127.0.0.1:http"))
	fmt.Println(address)
	// Output:
	// 127.0.0.1:80
}

// socket.gethostbyaddr(ipaddr): the first name is the canonical one, the others
// are aliases. An address without a name is an error.
func Example_gethostbyaddr() {
	names, err := hosts.LookupAddr(context.Background(), "127.0.0.1")
	fmt.Println(len(names) > 0 || err != nil)
	_, err = hosts.LookupAddr(context.Background(), "192.0.2.1")
	fmt.Println("no name:", err != nil)
	// Output:
	// true
	// no name: true
}

// getfqdn does what Python's socket.getfqdn does.
func getfqdn(host string) string {
	names, err := hosts.LookupAddr(context.Background(), host)
	if err != nil || len(names) == 0 {
		return host
	}
	for _, name := range names {
		if strings.Contains(strings.TrimSuffix(name, "."), ".") {
			return strings.TrimSuffix(name, ".")
		}
	}
	return names[0]
}

// socket.getfqdn(host): the host's first name with a domain. If there is none,
// its first name. If it has no name, host itself.
func Example_getfqdn() {
	fmt.Println(getfqdn("192.0.2.1"))
	fmt.Println(getfqdn("127.0.0.1") != "")
	// Output:
	// 192.0.2.1
	// true
}

// The slide "UDP versus TCP" in short: a datagram needs no connection, not even
// a program that listens, and two datagrams arrive as two. A stream needs a
// connection, and joins what you send.
func Example_udp_versus_tcp() {
	bucket := must(net.ListenPacket("udp", "127.0.0.1:0"))
	spew := must(net.Dial("udp", bucket.LocalAddr().String()))
	must(spew.Write([]byte("one")))
	must(spew.Write([]byte("two")))
	buffer := make([]byte, 1024)
	for range 2 {
		n, _, err := bucket.ReadFrom(buffer)
		fmt.Println("UDP:", pyfmt.Bytes(buffer[:n]), err)
	}
	bucket.Close()
	_, err := spew.Write([]byte("nobody listens"))
	fmt.Println("UDP:", err)
	spew.Close()

	client, server := pair()
	must(client.Write([]byte("one")))
	must(client.Write([]byte("two")))
	client.Close()
	fmt.Println("TCP:", pyfmt.Bytes(must(io.ReadAll(server))))
	server.Close()
	// Output:
	// UDP: b'one' <nil>
	// UDP: b'two' <nil>
	// UDP: <nil>
	// TCP: b'onetwo'
}
