// Package socketserver makes a server from three parts that do not know each
// other: a server class, which says what kind of socket there is; a mix-in,
// which says who handles a request; and a handler class, which handles it. It is
// Python's module of that name.
//
// Where Python inherits, Go embeds. A server type embeds a mix-in and a server,
// in that order as in Python:
//
//	type ZenServer struct {
//		socketserver.ThreadingMixIn
//		socketserver.TCPServer
//	}
//
// A method of the mix-in hides the one that the server has from its BaseServer,
// one level further down. A server type changes what else it does in the same
// way: see Server. New makes a server and has it listen:
//
//	server, err := socketserver.New[ZenServer, ZenHandler](address)
//
// When the program has to stop, a server stops in order: it takes no more
// requests, a handler that waits for its client gets program.ErrStopped, a
// handler that answers may finish, and ServeForever returns after the last. See
// program.StopOnSignal for the times.
//
// Source: https://docs.python.org/3/library/socketserver.html
package socketserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// A Server is a type that embeds one of this package's servers. The methods are
// those that a mix-in, or the type itself, may hide.
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

// New makes a server of type S and has it listen at address, a socket.Address or
// the path of a Unix socket. For each request it makes a handler of type H.
// Configure sets fields of the server before it listens. The error is Bind's.
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

// A RequestHandlerClass makes the handler of one request, as a call of the class
// does in Python.
type RequestHandlerClass func() RequestHandler

// HandlerOf returns the class of handlers of type H.
func HandlerOf[H any, PH handler[H]]() RequestHandlerClass {
	return func() RequestHandler { return PH(new(H)) }
}

// BaseServer is what servers of every kind of socket have in common. Its zero
// value is not ready: see Bind of TCPServer, UDPServer, UnixStreamServer and
// UnixDatagramServer. What it is told by its fields, it is told before that.
type BaseServer struct {
	// Timeout is how long HandleRequest waits for a request; 0 is for ever.
	Timeout time.Duration

	// AllowReuseAddress is whether to listen where connections of an
	// earlier server linger (SO_REUSEADDR). Nil is the custom of the
	// system, which is to do so for TCP and not for UDP; Python never does
	// unless told to. It says nothing about Unix sockets.
	AllowReuseAddress *bool

	socket waiting
	self   Server // the server type that embeds this one
	name   string // by which a child knows it
	class  RequestHandlerClass

	serving  sync.Mutex  // held by ServeForever and HandleRequest
	shutdown atomic.Bool // ServeForever is to return
}

// waiting is a socket at which a server waits for requests.
type waiting interface {
	SetReadDeadline(time.Time) error
	Close() error
}

// past is a deadline that wakes whoever waits.
var past = time.Unix(1, 0)

// ServeForever handles requests until Shutdown is called or the socket is
// closed; or until the program is asked to stop, and then it closes the server.
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

// Shutdown has ServeForever return after the request that it is about to
// handle, and waits until it has. One that has not begun yet returns at once
// when it does. The goroutine that serves must not call it.
func (s *BaseServer) Shutdown() {
	s.shutdown.Store(true)
	if s.socket != nil {
		s.socket.SetReadDeadline(past)
	}
	s.waitForServing()
}

// waitForServing waits until nobody handles requests.
func (s *BaseServer) waitForServing() {
	s.serving.Lock()
	defer s.serving.Unlock()
}

// HandleRequest handles one request. If none comes for the time of Timeout, it
// calls HandleTimeout instead. The error is that of GetRequest: net.ErrClosed,
// when the socket is closed or the program stops.
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

// wait sets how long the socket is to be waited at; 0 is for ever.
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

// verify asks the server whether it wants to handle a request, and closes one
// that it does not want.
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

// HandleTimeout does nothing when no request came in time.
func (s *BaseServer) HandleTimeout() {}

// VerifyRequest wants every request to be handled.
func (s *BaseServer) VerifyRequest(*Request) bool { return true }

// ServerClose closes the server's socket and waits until all requests are
// handled. No request's handler may call it.
func (s *BaseServer) ServerClose() {
	if s.socket == nil {
		return
	}
	s.socket.Close()
	s.waitForServing()
	s.self.Join()
}

// Join waits for nothing: without a mix-in there is one request at a time.
func (s *BaseServer) Join() {}

// ProcessRequest handles a request at once: whoever comes next waits. The
// mix-ins hide it.
func (s *BaseServer) ProcessRequest(server Server, request *Request) {
	processRequest(server, request)
}

// processRequest handles a request and closes it.
func processRequest(server Server, request *Request) {
	defer endRequest(server, request)
	server.FinishRequest(request)
}

// endRequest closes a request. A handler that panicked takes down its own
// request and nothing else.
func endRequest(server Server, request *Request) {
	if value := recover(); value != nil {
		server.HandleError(request, newPanic(value))
	}
	server.ShutdownRequest(request)
}

// FinishRequest makes a handler for the request and has it handle the request.
// The first error that Setup, Handle or Finish returns goes to HandleError.
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

// makeHandler is not inlined, so that what it puts on the stack is gone when the
// handler begins.
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

// ShutdownRequest closes a request that was handled, or that nobody wants to
// handle. See socket.Conversation.Close for how a connection is closed.
func (s *BaseServer) ShutdownRequest(request *Request) { request.Close() }

// HandleError reports on stderr why a request was not handled to its end: in one
// line for an error that a handler returned, and with the place for a panic,
// which is a mistake in the program. Several goroutines may call it at once.
func (s *BaseServer) HandleError(request *Request, err error) {
	what := "request from " + pyfmt.Addr(request.ClientAddress)
	program.Complain(what, err)
	if mistake, ok := err.(*Panic); ok {
		os.Stderr.Write(mistake.Stack)
	}
}

// A Panic is the error of a handler that panicked.
type Panic struct {
	Value any
	Stack []byte // as debug.Stack returns it
}

func newPanic(value any) *Panic { return &Panic{value, debug.Stack()} }

func (p *Panic) Error() string { return fmt.Sprint(p.Value) }

func (s *BaseServer) base() *BaseServer { return s }
