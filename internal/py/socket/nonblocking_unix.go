//go:build unix

package socket

import (
	"context"
	"io"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

const errWouldBlock = unix.EAGAIN

func accept(fd int) (Socket, netip.AddrPort, error) {
	client, address, err := acceptNonblocking(fd)
	if err != nil {
		return -1, netip.AddrPort{}, err
	}
	// An error means that the client has already gone. The first Recv reports
	// it.
	unix.SetsockoptInt(client, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	return Socket(client), address, nil
}

// addrPort converts a peer's address to netip.AddrPort.
func addrPort(address syscall.Sockaddr) netip.AddrPort {
	switch address := address.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(address.Addr), uint16(address.Port))
	case *syscall.SockaddrInet6:
		ip := netip.AddrFrom16(address.Addr).Unmap()
		if address.ZoneId != 0 {
			ip = ip.WithZone(strconv.Itoa(int(address.ZoneId)))
		}
		return netip.AddrPortFrom(ip, uint16(address.Port))
	}
	return netip.AddrPort{}
}

// received converts the result of the system call to that of recv.
func received(n int, err error) (int, error) {
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return max(n, 0), err
}

func shutdown(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) }

func closeSocket(fd int) error { return unix.Close(fd) }

func detach(l *Listener) (Socket, error) {
	conn, err := l.Listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	if controlErr := conn.Control(func(listener uintptr) {
		// The copy is non-blocking, too: both share O_NONBLOCK, which
		// package net has set.
		fd, err = unix.FcntlInt(listener, unix.F_DUPFD_CLOEXEC, 0)
	}); controlErr != nil {
		err = controlErr
	}
	return Socket(fd), err
}

// stoppingPipe returns the reading end of a pipe. The other end closes when ctx
// is done, so this one becomes readable.
func stoppingPipe(ctx context.Context) (Socket, error) {
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		return -1, err
	}
	for _, fd := range ends {
		unix.CloseOnExec(fd)
	}
	context.AfterFunc(ctx, func() { unix.Close(ends[1]) })
	return Socket(ends[0]), nil
}
