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
// Source: https://docs.python.org/3/library/socketserver.html
package socketserver

import (
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"sync"

	"fopnp/internal/program"
	"fopnp/internal/pyfmt"
	"fopnp/internal/socket"
)

// A Server is a server type: whatever embeds one of the servers of this package.
// The methods are those that a mix-in, or the type itself, may hide.
type Server interface {
	ProcessRequest(server Server, request *Request)
	FinishRequest(request *Request)
	HandleError(request *Request, problem any)
	Join()
}

// A Request is a client who was accepted. It goes from hand to hand as a pointer,
// for a goroutine has 2 KiB of stack, and keeps 4 if it once needs more: with
// 10,000 silent clients that is most of what they cost.
type Request struct {
	net.Conn
	ClientAddress net.Addr
}

// A RequestHandler handles one request: first Setup is called, then Handle,
// then, whatever Handle did, Finish.
type RequestHandler interface {
	Setup()
	Handle()
	Finish()
}

// BaseServer is what servers of every kind of socket have in common. Its zero
// value is not ready: see TCPServer.Bind.
type BaseServer struct {
	// ServerAddress is where the server listens: as it was asked for, but
	// with the real port in place of 0.
	ServerAddress socket.Address

	listener   *socket.Listener
	self       Server // the server type that embeds this one
	newHandler func(BaseRequestHandler) RequestHandler
}

// ServeForever handles requests until the program is asked to stop, then closes
// the server.
func (s *BaseServer) ServeForever() {
	defer s.ServerClose()
	for {
		request, err := s.listener.Accept()
		if err != nil { // the program stops
			return
		}
		s.self.ProcessRequest(s.self, &Request{request, request.RemoteAddr()})
	}
}

// ServerClose closes the server's socket and waits until all requests are
// handled.
func (s *BaseServer) ServerClose() {
	s.listener.Close()
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
	request.Close()
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
	return s.newHandler(BaseRequestHandler{request.Conn, request.ClientAddress, s.self})
}

// HandleError says on stderr what a handler panicked of, and where.
func (s *BaseServer) HandleError(request *Request, problem any) {
	fmt.Fprintf(os.Stderr, "%s: request from %s: %v\n%s", program.Name(), pyfmt.Addr(request.ClientAddress), problem, debug.Stack())
}

// TCPServer is a server on a TCP socket.
type TCPServer struct{ BaseServer }

// Bind makes the server ready: it listens at address, where handlers made by
// newHandler will handle what comes. The server type that embeds this TCPServer
// is self.
func (s *TCPServer) Bind(self Server, address socket.Address, newHandler func(BaseRequestHandler) RequestHandler) error {
	listener, err := socket.Listen(address)
	if err != nil {
		return err
	}
	s.BaseServer = BaseServer{listener.Address, listener, self, newHandler}
	return nil
}

// ThreadingMixIn gives each request a thread of its own, which in Go is a
// goroutine.
type ThreadingMixIn struct{ threads sync.WaitGroup }

// ProcessRequest begins to handle a request and does not wait for it.
func (m *ThreadingMixIn) ProcessRequest(server Server, request *Request) {
	m.threads.Add(1)
	go m.processRequestThread(server, request)
}

func (m *ThreadingMixIn) processRequestThread(server Server, request *Request) {
	defer m.threads.Done()
	defer endRequest(server, request)
	server.FinishRequest(request)
}

// Join waits until every thread has handled its request.
func (m *ThreadingMixIn) Join() { m.threads.Wait() }

// BaseRequestHandler is what a handler knows of its request. Handler types
// embed it, and hide its methods, which do nothing.
type BaseRequestHandler struct {
	Request       net.Conn
	ClientAddress net.Addr
	Server        Server
}

func (h *BaseRequestHandler) Setup()  {}
func (h *BaseRequestHandler) Handle() {}
func (h *BaseRequestHandler) Finish() {}
