package progtest

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// ReservePort binds a TCP port of 127.0.0.1 until release is called. The system
// gives the port to no other program, but a server that sets SO_REUSEADDR, as
// ReservePort does, may listen at it.
func ReservePort() (port string, release func(), err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", nil, err
	}
	release = func() { unix.Close(fd) }
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		release()
		return "", nil, err
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		release()
		return "", nil, err
	}
	return strconv.Itoa(addr.(*unix.SockaddrInet4).Port), release, nil
}
