//go:build !unix

package socket

import (
	"context"
	"errors"
	"net/netip"
)

var errWouldBlock = errors.New("the call would block")

func recv(int, []byte) (int, error)                { return 0, ErrUnsupported }
func send(int, []byte) (int, error)                { return 0, ErrUnsupported }
func accept(int) (Socket, netip.AddrPort, error)   { return -1, netip.AddrPort{}, ErrUnsupported }
func shutdown(int) error                           { return ErrUnsupported }
func closeSocket(int) error                        { return ErrUnsupported }
func detach(*Listener) (Socket, error)             { return -1, ErrUnsupported }
func stoppingPipe(context.Context) (Socket, error) { return -1, ErrUnsupported }
