package socketserver

import "fopnp/internal/py/socket"

// The server types that need nothing else, each with a function that makes one
// and binds it: see the Bind of its server for what that does, and for the error.
// On Windows there are neither forking ones nor those on Unix sockets.

type (
	ThreadingTCPServer struct {
		ThreadingMixIn
		TCPServer
	}

	ThreadingUDPServer struct {
		ThreadingMixIn
		UDPServer
	}

	ThreadingUnixStreamServer struct {
		ThreadingMixIn
		UnixStreamServer
	}

	ThreadingUnixDatagramServer struct {
		ThreadingMixIn
		UnixDatagramServer
	}

	ForkingTCPServer struct {
		ForkingMixIn
		TCPServer
	}

	ForkingUDPServer struct {
		ForkingMixIn
		UDPServer
	}

	ForkingUnixStreamServer struct {
		ForkingMixIn
		UnixStreamServer
	}

	ForkingUnixDatagramServer struct {
		ForkingMixIn
		UnixDatagramServer
	}
)

func NewTCPServer(
	address socket.Address, newHandler RequestHandlerClass,
) (*TCPServer, error) {
	s := &TCPServer{}
	return s, s.Bind(s, address, newHandler)
}

func NewUDPServer(
	address socket.Address, newHandler RequestHandlerClass,
) (*UDPServer, error) {
	s := &UDPServer{}
	return s, s.Bind(s, address, newHandler)
}

func NewUnixStreamServer(
	path string, newHandler RequestHandlerClass,
) (*UnixStreamServer, error) {
	s := &UnixStreamServer{}
	return s, s.Bind(s, path, newHandler)
}

func NewUnixDatagramServer(
	path string, newHandler RequestHandlerClass,
) (*UnixDatagramServer, error) {
	s := &UnixDatagramServer{}
	return s, s.Bind(s, path, newHandler)
}

func NewThreadingTCPServer(
	address socket.Address, newHandler RequestHandlerClass,
) (*ThreadingTCPServer, error) {
	s := &ThreadingTCPServer{}
	return s, s.Bind(s, address, newHandler)
}

func NewThreadingUDPServer(
	address socket.Address, newHandler RequestHandlerClass,
) (*ThreadingUDPServer, error) {
	s := &ThreadingUDPServer{}
	return s, s.Bind(s, address, newHandler)
}

func NewThreadingUnixStreamServer(
	path string, newHandler RequestHandlerClass,
) (*ThreadingUnixStreamServer, error) {
	s := &ThreadingUnixStreamServer{}
	return s, s.Bind(s, path, newHandler)
}

func NewThreadingUnixDatagramServer(
	path string, newHandler RequestHandlerClass,
) (*ThreadingUnixDatagramServer, error) {
	s := &ThreadingUnixDatagramServer{}
	return s, s.Bind(s, path, newHandler)
}

func NewForkingTCPServer(
	address socket.Address, newHandler RequestHandlerClass,
) (*ForkingTCPServer, error) {
	s := &ForkingTCPServer{}
	return s, s.Bind(s, address, newHandler)
}

func NewForkingUDPServer(
	address socket.Address, newHandler RequestHandlerClass,
) (*ForkingUDPServer, error) {
	s := &ForkingUDPServer{}
	return s, s.Bind(s, address, newHandler)
}

func NewForkingUnixStreamServer(
	path string, newHandler RequestHandlerClass,
) (*ForkingUnixStreamServer, error) {
	s := &ForkingUnixStreamServer{}
	return s, s.Bind(s, path, newHandler)
}

func NewForkingUnixDatagramServer(
	path string, newHandler RequestHandlerClass,
) (*ForkingUnixDatagramServer, error) {
	s := &ForkingUnixDatagramServer{}
	return s, s.Bind(s, path, newHandler)
}
