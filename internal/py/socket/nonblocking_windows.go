package socket

import (
	"context"
	"net"
	"net/netip"

	"golang.org/x/sys/windows"
)

const errWouldBlock = windows.WSAEWOULDBLOCK

func recv(int, []byte) (int, error)                { return 0, ErrUnsupported }
func send(int, []byte) (int, error)                { return 0, ErrUnsupported }
func accept(int) (Socket, netip.AddrPort, error)   { return -1, netip.AddrPort{}, ErrUnsupported }
func recvNow(net.Conn, []byte) (int, error)        { return 0, ErrWouldBlock }
func closeSocket(int) error                        { return ErrUnsupported }
func detach(*Listener) (Socket, error)             { return -1, ErrUnsupported }
func stoppingPipe(context.Context) (Socket, error) { return -1, ErrUnsupported }
