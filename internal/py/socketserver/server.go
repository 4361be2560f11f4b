// Package socketserver makes a server from three independent parts: a server
// class, which decides what kind of socket to use; a mix-in, which decides
// whether a thread or a process runs the handler; and a handler class, which
// handles a request. It follows Python's module of that name.
//
// Where Python inherits, Go embeds. A server type embeds a mix-in and a server,
// in that order as in Python:
//
//	type ZenServer struct {
//		socketserver.ThreadingMixIn
//		socketserver.TCPServer
//	}
//
// A method of the mix-in hides the method of BaseServer, which is one level
// further down. A server type can change other methods in the same way: see
// Server. New makes a server that listens:
//
//	server, err := socketserver.New[ZenServer, ZenHandler](address)
//
// When the program has to stop, a server shuts down gracefully. It accepts no
// more requests. A handler that waits for its client gets program.ErrStopped,
// and one that is answering may finish. ServeForever returns after the last of
// them. For the times, see program.StopOnSignal.
//
// Source: https://docs.python.org/3/library/socketserver.html
package socketserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// A Server is a type that embeds one of this package's servers. A mix-in, or
// the type itself, may hide the exported methods.
type Server interface {
	GetRequest() (*Request, error)
	VerifyRequest(request *Request) bool
	ProcessRequest(server Server, request *Request)
	FinishRequest(request *Request)
	ShutdownRequest(request *Request)
	HandleError(request *Request, err error)
	HandleTimeout()
	ServerClose()
	Join()

	base() *BaseServer
}

// New makes a server of type S that listens at address, which is a
// socket.Address or the path of a Unix socket. The server makes a handler of
// type H for each request. Before it listens, New calls each configure, which
// can set fields of the server. The error is Bind's.
func New[S, H any, PS serverAt[S, A], PH handler[H], A any](
	address A, configure ...func(PS),
) (PS, error) {
	server := PS(new(S))
	for _, set := range configure {
		set(server)
	}
	return server, server.Bind(server, address, HandlerOf[H, PH]())
}

// serverAt is a pointer to a server type whose addresses are of type A.
type serverAt[S, A any] interface {
	*S
	Server
	Bind(self Server, address A, class RequestHandlerClass) error
}

// handler is a pointer to a handler type.
type handler[H any] interface {
	*H
	RequestHandler
}

// A RequestHandlerClass makes the handler of one request, as calling the class
// does in Python.
type RequestHandlerClass func() RequestHandler

// HandlerOf returns the class that makes handlers of type H.
func HandlerOf[H any, PH handler[H]]() RequestHandlerClass {
	return func() RequestHandler { return PH(new(H)) }
}

// BaseServer is what servers of every kind of socket have in common. Its zero
// value is not ready for use: see the Bind methods of TCPServer, UDPServer,
// UnixStreamServer and UnixDatagramServer. Set its fields before you call Bind.
type BaseServer struct {
	// Timeout is how long HandleRequest waits for a request. 0 is no limit.
	Timeout time.Duration

	// AllowReuseAddress says whether the server may listen where connections
	// of an earlier server linger (SO_REUSEADDR). If it is nil, package net
	// decides: it allows that for TCP, except on Windows, but not for UDP.
	// (The default in Python is false.) It has no effect on Unix sockets.
	AllowReuseAddress *bool

	socket waitable
	self   Server // the server type that embeds this one
	name   string // by which a child finds the server of its request
	class  RequestHandlerClass

	serving  sync.Mutex  // held by ServeForever and HandleRequest
	shutdown atomic.Bool // ServeForever has to return
}

// waitable is a socket at which a server waits for requests.
type waitable interface {
	SetReadDeadline(time.Time) error
	Close() error
}

// past is a deadline that ends a waiting call at once.
var past = time.Unix(1, 0)

// ServeForever handles requests until Shutdown is called, the socket is closed,
// or the program has to stop. In the last case, it also closes the server.
func (s *BaseServer) ServeForever() {
	s.serve()
	if program.Stopping().Err() != nil {
		s.self.ServerClose()
	}
}

func (s *BaseServer) serve() {
	s.serving.Lock()
	defer s.serving.Unlock()
	defer s.shutdown.Store(false)
	err := s.wait(0)
	for !s.shutdown.Load() && !errors.Is(err, net.ErrClosed) {
		err = s.handleOne()
	}
}

// Shutdown makes ServeForever return after the request that it is handling, and
// waits until it has returned. If ServeForever has not been called yet, the
// next call will return at once. The goroutine that serves must not call
// Shutdown.
func (s *BaseServer) Shutdown() {
	s.shutdown.Store(true)
	if s.socket != nil {
		s.socket.SetReadDeadline(past)
	}
	s.waitForServing()
}

// waitForServing waits until ServeForever and HandleRequest have returned.
func (s *BaseServer) waitForServing() {
	s.serving.Lock()
	defer s.serving.Unlock()
}

// HandleRequest handles one request. If none comes within Timeout, it calls
// HandleTimeout instead and returns nil. The error is GetRequest's:
// net.ErrClosed, if the socket is closed or the program has to stop.
func (s *BaseServer) HandleRequest() error {
	err := s.handleInTime()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.self.HandleTimeout()
		return nil
	}
	return err
}

func (s *BaseServer) handleInTime() error {
	s.serving.Lock()
	defer s.serving.Unlock()
	if err := s.wait(s.Timeout); err != nil {
		return err
	}
	return s.handleOne()
}

// wait sets how long to wait at the socket. 0 is no limit.
func (s *BaseServer) wait(timeout time.Duration) error {
	if s.socket == nil { // it was never bound
		return net.ErrClosed
	}
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	return s.socket.SetReadDeadline(deadline)
}

func (s *BaseServer) handleOne() error {
	request, err := s.self.GetRequest()
	if err != nil {
		return err
	}
	if verify(s.self, request) {
		s.self.ProcessRequest(s.self, request)
	}
	return nil
}

// verify asks the server whether to handle a request, and closes the request if
// not.
func verify(server Server, request *Request) (ok bool) {
	defer func() {
		if value := recover(); value != nil {
			server.HandleError(request, newPanic(value))
		}
		if !ok {
			server.ShutdownRequest(request)
		}
	}()
	return server.VerifyRequest(request)
}

// HandleTimeout is called when HandleRequest got no request in time. It does
// nothing.
func (s *BaseServer) HandleTimeout() {}

// VerifyRequest reports whether to handle a request. It always returns true.
func (s *BaseServer) VerifyRequest(*Request) bool { return true }

// ServerClose closes the server's socket and waits until all requests have been
// handled. A handler must not call it.
func (s *BaseServer) ServerClose() {
	if s.socket == nil {
		return
	}
	s.socket.Close()
	s.waitForServing()
	s.self.Join()
}

// Join waits for requests that are handled in the background. Without a mix-in,
// there are none.
func (s *BaseServer) Join() {}

// ProcessRequest handles a request, and all others wait. The mix-ins hide it.
func (s *BaseServer) ProcessRequest(server Server, request *Request) {
	processRequest(server, request)
}

// processRequest handles a request and closes it.
func processRequest(server Server, request *Request) {
	defer endRequest(server, request)
	server.FinishRequest(request)
}

// endRequest closes a request. If its handler panicked, that affects no other
// request.
func endRequest(server Server, request *Request) {
	if value := recover(); value != nil {
		server.HandleError(request, newPanic(value))
	}
	server.ShutdownRequest(request)
}

// FinishRequest makes a handler for the request and calls its methods. The
// first error that Setup, Handle or Finish returns goes to HandleError.
func (s *BaseServer) FinishRequest(request *Request) {
	handler := s.makeHandler(request)
	if request.failed(s.self, handler.Setup()) {
		return
	}
	defer finish(s.self, request, handler)
	request.failed(s.self, handler.Handle())
}

func finish(server Server, request *Request, handler RequestHandler) {
	request.failed(server, handler.Finish())
}

// makeHandler is not inlined, so that its stack is free again when the handler
// begins.
//
//go:noinline
func (s *BaseServer) makeHandler(request *Request) RequestHandler {
	handler := s.class()
	base := handler.base()
	base.Request, base.ClientAddress = request.Conn, request.ClientAddress
	base.Connection, _ = request.Conn.(*socket.Conversation)
	base.Server = s.self
	return handler
}

// ShutdownRequest closes a request that was handled or that VerifyRequest
// rejected. For how a connection is closed, see socket.Conversation.Close.
func (s *BaseServer) ShutdownRequest(request *Request) { request.Close() }

// HandleError reports on stderr why a request failed. It writes one line, and
// then the stack if err is a *Panic, which means a mistake in the program.
// Several goroutines may call HandleError at once.
func (s *BaseServer) HandleError(request *Request, err error) {
	what := "request from " + pyfmt.Addr(request.ClientAddress)
	if mistake, ok := err.(*Panic); ok {
		stack := strings.TrimSuffix(string(mistake.Stack), "\n")
		err = fmt.Errorf("%v\n%s", mistake, stack)
	}
	program.Complain(what, err)
}

// A Panic is the error of a handler that panicked.
type Panic struct {
	Value any
	Stack []byte // as debug.Stack returns it
}

func newPanic(value any) *Panic { return &Panic{value, debug.Stack()} }

func (p *Panic) Error() string { return fmt.Sprint(p.Value) }

func (s *BaseServer) base() *BaseServer { return s }
