//go:build unix && !linux

package socket

import (
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

func recv(fd int, buffer []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buffer)
		if err != unix.EINTR {
			return received(n, err)
		}
	}
}

func send(fd int, data []byte) (int, error) {
	for {
		// No SIGPIPE: Go ignores it, except on stdout and stderr.
		n, err := unix.Write(fd, data)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

func acceptNonblocking(fd int) (int, netip.AddrPort, error) {
	// A process started before CloseOnExec must not inherit the descriptor.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	for {
		client, address, err := syscall.Accept(fd)
		switch err {
		case nil:
			unix.CloseOnExec(client)
			return client, addrPort(address), unix.SetNonblock(client, true)
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return -1, netip.AddrPort{}, err
		}
	}
}
