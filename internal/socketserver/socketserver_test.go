package socketserver

import (
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"fopnp/internal/socket"
)

// A plain server handles one request at a time, a threading one all at once.
type (
	plain     struct{ TCPServer }
	threading struct {
		ThreadingMixIn
		TCPServer
	}
)

// problems are what the servers' handlers panicked of.
var problems struct {
	sync.Mutex
	all []string
}

func note(problem any) {
	problems.Lock()
	defer problems.Unlock()
	problems.all = append(problems.all, fmt.Sprint(problem))
}

func (s *plain) HandleError(_ *Request, problem any)     { note(problem) }
func (s *threading) HandleError(_ *Request, problem any) { note(problem) }

// An echo sends back what it receives, until it is told to stop or to panic. Its
// setup and finish frame the answers.
type echo struct{ BaseRequestHandler }

func newEcho(base BaseRequestHandler) RequestHandler { return &echo{base} }

func (h *echo) Setup()  { io.WriteString(h.Request, "<") }
func (h *echo) Finish() { io.WriteString(h.Request, ">") }

func (h *echo) Handle() {
	buffer := make([]byte, 100)
	for {
		n, err := h.Request.Read(buffer)
		if err != nil {
			return
		}
		if string(buffer[:n]) == "panic" {
			panic("as told by " + h.ClientAddress.String())
		}
		h.Request.Write(buffer[:n])
	}
}

// serve runs a server until test is done with it.
func serve(t *testing.T, server interface {
	Server
	Bind(Server, socket.Address, func(BaseRequestHandler) RequestHandler) error
	ServeForever()
}, base *BaseServer, test func(connect func() *net.TCPConn)) {
	if err := server.Bind(server, socket.Address{Host: "127.0.0.1"}, newEcho); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		server.ServeForever()
		close(done)
	}()
	test(func() *net.TCPConn {
		conn, err := socket.Connect(base.ServerAddress)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn.(*net.TCPConn)
	})
	base.listener.Close()
	<-done
}

// hear reads what must come next.
func hear(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Errorf("heard %q, %v, want %q", got, err, want)
	}
}

// ended reads the rest, which must be want.
func ended(t *testing.T, conn *net.TCPConn, want string) {
	t.Helper()
	if rest, err := io.ReadAll(conn); string(rest) != want || err != nil {
		t.Errorf("heard %q, %v, in the end, want %q", rest, err, want)
	}
}

func TestPlain(t *testing.T) {
	s := &plain{}
	serve(t, s, &s.BaseServer, func(connect func() *net.TCPConn) {
		first, second := connect(), connect()
		io.WriteString(second, "two")
		io.WriteString(first, "one")
		hear(t, first, "<one")
		first.CloseWrite()
		ended(t, first, ">")
		hear(t, second, "<two")
		second.CloseWrite()
		ended(t, second, ">")
	})
}

func TestThreading(t *testing.T) {
	s := &threading{}
	serve(t, s, &s.BaseServer, func(connect func() *net.TCPConn) {
		var all []*net.TCPConn
		for range 10 {
			all = append(all, connect())
		}
		for _, conn := range slices.Backward(all) {
			io.WriteString(conn, "one")
			hear(t, conn, "<one")
		}
		for _, conn := range all {
			conn.CloseWrite()
			ended(t, conn, ">")
		}
	})
}

// A handler that panics loses its own request. It is finished and closed, and
// the server goes on.
func TestHandleError(t *testing.T) {
	test := func(connect func() *net.TCPConn) {
		for range 2 {
			conn := connect()
			io.WriteString(conn, "panic")
			ended(t, conn, "<>")
		}
		conn := connect()
		io.WriteString(conn, "one")
		hear(t, conn, "<one")
		conn.Close()
	}
	problems.all = nil
	s := &plain{}
	serve(t, s, &s.BaseServer, test)
	m := &threading{}
	serve(t, m, &m.BaseServer, test)
	if len(problems.all) != 4 {
		t.Errorf("handled %q", problems.all)
	}
}

// ServeForever does not return before the last thread has.
func TestJoin(t *testing.T) {
	s := &threading{}
	var conn *net.TCPConn
	heard := make(chan bool)
	serve(t, s, &s.BaseServer, func(connect func() *net.TCPConn) {
		conn = connect()
		io.WriteString(conn, "one")
		hear(t, conn, "<one")
		s.listener.Close()
		go func() {
			io.WriteString(conn, "two")
			hear(t, conn, "two")
			conn.CloseWrite()
			ended(t, conn, ">")
			close(heard)
		}()
	})
	<-heard
}
