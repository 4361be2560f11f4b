package socketserver

import (
	"cmp"
	"net"
	"time"

	"fopnp/internal/py/socket"
)

// TCPServer is a server on a TCP socket. Its requests are connections.
type TCPServer struct {
	BaseServer

	// ServerAddress is where the server listens: as asked for, but with the
	// real port in place of 0.
	ServerAddress socket.Address

	// RequestQueueSize is the backlog: how many clients may wait to be
	// accepted. 0 is as many as the system allows. (The default in Python is 5,
	// so when many clients come at once, some have to try again.)
	RequestQueueSize int

	listener *socket.Listener
}

// Bind makes the server listen at address and handle requests with handlers of
// class. Its argument self is the server type that embeds this TCPServer. If
// Bind fails, it leaves nothing open.
//
// If self is a forking server, and the program was started to handle one of its
// requests, Bind handles the request and does not return: see ForkingMixIn.
func (s *TCPServer) Bind(
	self Server, address socket.Address, class RequestHandlerClass,
) error {
	s.ServerAddress = address
	s.ServerAddress.Port = cmp.Or(address.Port, inherited.port)
	return s.bind(self, address, class, func() error {
		listener, err := socket.Listen(address, func(config *net.ListenConfig) {
			config.Control = s.setOptions
		})
		if err != nil {
			return err
		}
		s.ServerAddress = listener.Address
		return s.activate(listener)
	})
}

// activate makes the server accept from a listener.
func (s *TCPServer) activate(listener *socket.Listener) error {
	if s.RequestQueueSize > 0 {
		if err := control(listener.Listener, func(fd uintptr) error {
			return setQueueSize(fd, s.RequestQueueSize)
		}); err != nil {
			listener.Close()
			return err
		}
	}
	s.listener, s.socket = listener, acceptor{listener}
	return nil
}

// GetRequest waits for a client and accepts it. The only errors are
// net.ErrClosed, if the server was closed or the program has to stop, and
// os.ErrDeadlineExceeded, if the time of HandleRequest is over or Shutdown was
// called. For all other failures, such as a shortage of descriptors, see
// socket.Listener.Accept.
func (s *TCPServer) GetRequest() (*Request, error) {
	conn, err := s.listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Request{Conn: conn, ClientAddress: conn.RemoteAddr()}, nil
}

// An acceptor makes a listener a waitable.
type acceptor struct{ *socket.Listener }

func (a acceptor) SetReadDeadline(t time.Time) error {
	listener := a.Listener.Listener.(interface{ SetDeadline(time.Time) error })
	return listener.SetDeadline(t)
}

// UnixStreamServer is a TCPServer whose address is a path. On Windows, Bind
// fails.
type UnixStreamServer struct {
	TCPServer
	ServerAddress string // the path at which it listens
}

// Bind makes the server listen at path, and is otherwise like TCPServer.Bind.
// It creates the path, which must not exist yet, and closing the server removes
// it. (In Python, the program has to remove it.)
func (s *UnixStreamServer) Bind(
	self Server, path string, class RequestHandlerClass,
) error {
	s.ServerAddress = path
	return s.bindUnix(self, path, class, func() error {
		listener, err := net.Listen("unix", path)
		if err != nil {
			return err
		}
		return s.activate(socket.NewListener(listener))
	})
}
