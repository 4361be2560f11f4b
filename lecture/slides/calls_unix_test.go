//go:build unix

package slides_test

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// s.fileno(), s.setsockopt(…) and s.getsockopt(…): what net has no method for
// is done to the descriptor, which Control lends out. Windows has a handle
// instead.
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
