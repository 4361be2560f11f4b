package socketserver

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
)

// The errors of Bind on Windows.
var (
	errNoFork = errors.New("needs to hand sockets to children, which this system cannot do")
	errNoUnix = errors.New("needs Unix sockets, which this system does not have")
)

// bind prepares the server, which the server type self embeds, and calls listen
// to open its socket. In a child of a forking server, it does not call listen.
// If the child has inherited a request of this server, bind handles the request
// and ends the process.
func (s *BaseServer) bind(
	self Server, address any, class RequestHandlerClass, listen func() error,
) error {
	s.self, s.class = self, class
	s.name = fmt.Sprintf("%T at %v", self, address)
	if inherited.server != "" {
		if inherited.server == s.name {
			handleInherited(self)
		}
		return nil
	}
	if _, forks := self.(forking); forks && !canFork {
		return errNoFork
	}
	return listen()
}

// bindUnix is like bind, for a Unix socket at path. On Windows, it returns an
// error.
func (s *BaseServer) bindUnix(
	self Server, path string, class RequestHandlerClass, listen func() error,
) error {
	if runtime.GOOS == "windows" {
		return errNoUnix
	}
	return s.bind(self, path, class, listen)
}

// setOptions sets the options of a socket before it is bound.
func (s *BaseServer) setOptions(_, _ string, conn syscall.RawConn) error {
	if s.AllowReuseAddress == nil {
		return nil
	}
	return call(conn, func(fd uintptr) error {
		return setReuseAddress(fd, *s.AllowReuseAddress)
	})
}

// control calls use with the descriptor of a socket of package net.
func control(socket any, use func(fd uintptr) error) error {
	conn, ok := socket.(syscall.Conn)
	if !ok {
		return fmt.Errorf("%T has no descriptor", socket)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return call(raw, use)
}

func call(conn syscall.RawConn, use func(fd uintptr) error) (err error) {
	controlErr := conn.Control(func(fd uintptr) { err = use(fd) })
	return errors.Join(controlErr, err)
}
