// Package socketserver makes a server out of three parts that do not know each
// other: a server class, which says what kind of socket there is; a mix-in,
// which says who handles a request; and a handler class, which does. It is
// Python's module of that name.
//
// Where Python inherits, Go embeds. A server type embeds a mix-in and a server,
// in that order as in Python, and a method of the mix-in hides the one of the
// same name that the server has from its BaseServer, one level further down:
//
//	type ZenServer struct {
//		socketserver.ThreadingMixIn
//		socketserver.TCPServer
//	}
//
// A server type hides in the same way what it does otherwise: see Server. What
// needs nothing else is there already, as in Python: ThreadingTCPServer is the
// type above, and NewThreadingTCPServer makes one that listens.
//
// Servers stop in order when the program is asked to: no more requests are
// taken, a handler that waits for its client finds that Read fails with
// os.ErrDeadlineExceeded, one that answers may finish, and ServeForever returns
// when all have. See program.StopOnSignal for the times.
//
// Source: https://docs.python.org/3/library/socketserver.html
package socketserver

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/program"
)

// A Server is a server type: whatever embeds one of the servers of this package.
// The methods are those that a mix-in, or the type itself, may hide.
type Server interface {
	GetRequest() (*Request, error)
	VerifyRequest(request *Request) bool
	ProcessRequest(server Server, request *Request)
	FinishRequest(request *Request)
	ShutdownRequest(request *Request)
	HandleError(request *Request, problem any)
	HandleTimeout()
	ServerClose()
	Join()

	base() *BaseServer
}

// A RequestHandlerClass makes the handler of one request, as in Python a call
// of the class does.
type RequestHandlerClass func(BaseRequestHandler) RequestHandler

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

	socket     waiting
	self       Server // the server type that embeds this one
	name       string // by which a child knows it
	newHandler RequestHandlerClass

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
	open.add(request)
	if verify(s.self, request) {
		s.self.ProcessRequest(s.self, request)
	}
	return nil
}

// verify is whether a request is to be handled. One that is not is closed.
func verify(server Server, request *Request) (ok bool) {
	defer func() {
		if problem := recover(); problem != nil {
			server.HandleError(request, problem)
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

// endRequest closes a request. A handler that panicked takes down its own and
// nothing else.
func endRequest(server Server, request *Request) {
	if problem := recover(); problem != nil {
		server.HandleError(request, problem)
	}
	server.ShutdownRequest(request)
}

// FinishRequest makes a handler for the request, which handles it.
func (s *BaseServer) FinishRequest(request *Request) {
	handler := s.makeHandler(request)
	handler.Setup()
	defer handler.Finish()
	handler.Handle()
}

// makeHandler is not inlined, so that what it puts on the stack is gone when the
// handler begins.
//
//go:noinline
func (s *BaseServer) makeHandler(request *Request) RequestHandler {
	base := BaseRequestHandler{request.Conn, request.ClientAddress, s.self}
	return s.newHandler(base)
}

// ShutdownRequest closes a request that was handled, or that is not to be. The
// other side is told at once, whoever else has the connection.
func (s *BaseServer) ShutdownRequest(request *Request) {
	if conn, ok := request.Conn.(interface{ CloseWrite() error }); ok {
		conn.CloseWrite() // fails if the handler has closed it
	}
	request.Close()
}

// HandleError says on stderr what a handler panicked of: in one line if it is an
// error, as a handler raises that cannot go on; else, for it is a mistake in the
// program, with the place. Of a child that was killed it says by what. Several
// goroutines may call it at once.
func (s *BaseServer) HandleError(request *Request, problem any) {
	what := "request from " + pyfmt.Addr(request.ClientAddress)
	err, isError := problem.(error)
	if _, isMistake := problem.(runtime.Error); isError && !isMistake {
		program.Complain(what, err)
		return
	}
	fmt.Fprintf(os.Stderr, "%s: %s: %v\n%s",
		program.Name(), what, problem, debug.Stack())
}

func (s *BaseServer) base() *BaseServer { return s }
