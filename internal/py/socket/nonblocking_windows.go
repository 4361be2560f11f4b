package socket

import (
	"context"
	"net/netip"

	"golang.org/x/sys/windows"
)

const errWouldBlock = windows.WSAEWOULDBLOCK

func recv(int, []byte) (int, error)                { return 0, ErrUnsupported }
func send(int, []byte) (int, error)                { return 0, ErrUnsupported }
func accept(int) (Socket, netip.AddrPort, error)   { return -1, netip.AddrPort{}, ErrUnsupported }
func shutdown(int) error                           { return ErrUnsupported }
func closeSocket(int) error                        { return ErrUnsupported }
func detach(*Listener) (Socket, error)             { return -1, ErrUnsupported }
func stoppingPipe(context.Context) (Socket, error) { return -1, ErrUnsupported }
