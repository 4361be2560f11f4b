package progtest

import (
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FullBacklog listens on a port of 127.0.0.1 and returns the port. The listener
// never accepts and its backlog is full, so the kernel drops every request for
// a connection. The listener is closed when the test ends.
func FullBacklog(t testing.TB) (port string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	if err == nil {
		err = unix.Listen(fd, 0) // even so, Linux keeps one connection
	}
	if err != nil {
		t.Fatal(err)
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port = strconv.Itoa(address.(*unix.SockaddrInet4).Port)
	first, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", port), Patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { first.Close() })
	// Check it here, or the program under test would be the first to notice.
	second, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", port), 50*time.Millisecond)
	if err == nil {
		second.Close()
		t.Fatal("the kernel accepts a second connection for a backlog of 0")
	} else if !os.IsTimeout(err) {
		t.Fatal(err)
	}
	return port
}
