package socketserver

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/socket"
)

// A server without a mix-in handles one request at a time, in the order in
// which they came.
func TestPlain(t *testing.T) {
	s, _ := start(t, "TCPServer", "echo")
	first, second := connect(t, s), connect(t, s)
	say(t, second, "two")
	say(t, first, "one")
	hear(t, first, "<one")
	if n := socket.NumConversations(); n != 1 {
		t.Errorf("%d requests are open, want 1", n)
	}
	leave(t, first, ">")
	hear(t, second, "<two")
	leave(t, second, ">")
}

func TestThreading(t *testing.T) {
	s, _ := start(t, "ThreadingTCPServer", "echo")
	var all []net.Conn
	for range 10 {
		all = append(all, connect(t, s))
	}
	for _, conn := range slices.Backward(all) {
		say(t, conn, "one")
		hear(t, conn, "<one")
	}
	for _, conn := range all {
		leave(t, conn, ">")
	}
}

// ServerClose closes the socket, and then waits for every request that is being
// handled.
func TestServerCloseWaits(t *testing.T) {
	for _, class := range []string{"TCPServer", "ThreadingTCPServer", "ForkingTCPServer"} {
		t.Run(class, func(t *testing.T) {
			s, _ := start(t, class, "echo")
			client := connect(t, s)
			hear(t, client, "<")
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				s.ServerClose()
				noRequests(t)
				if forking, ok := s.(interface{ active() int }); ok && forking.active() > 0 {
					t.Error("ServerClose returned before the last child")
				}
			}()
			until(t, "closed", func() bool {
				conn, err := net.Dial("tcp", address(s).String())
				if err == nil {
					conn.Close()
				}
				return err != nil
			})
			say(t, client, "one")
			hear(t, client, "one")
			leave(t, client, ">")
			<-closed
		})
	}
}

// The socket of a datagram server stays open until every client has got the
// answer to its own request.
func TestServerCloseAnswers(t *testing.T) {
	s := &ThreadingUDPServer{}
	begun, end := make(chan bool), make(chan bool)
	if err := s.Bind(s, localhost, func() RequestHandler {
		begun <- true
		<-end
		return &upper{}
	}); err != nil {
		t.Fatal(err)
	}
	x, y := connect(t, s), connect(t, s)
	say(t, x, "x")
	say(t, y, "y")
	for range 2 {
		if err := s.HandleRequest(); err != nil {
			t.Fatal(err)
		}
		<-begun
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.ServerClose()
	}()
	until(t, "shut down", s.shutdown.Load)
	close(end)
	hear(t, x, "X")
	hear(t, y, "Y")
	<-closed
}

// ServerClose does not wait for daemon threads, which go on.
func TestDaemonThreads(t *testing.T) {
	s := &ThreadingTCPServer{}
	s.DaemonThreads = true
	if err := s.Bind(s, localhost, handlers["echo"]); err != nil {
		t.Fatal(err)
	}
	client := connect(t, s)
	if err := s.HandleRequest(); err != nil {
		t.Fatal(err)
	}
	hear(t, client, "<")
	returns(t, "ServerClose", s.ServerClose)
	say(t, client, "one")
	hear(t, client, "one")
	leave(t, client, ">")
	returns(t, "the last thread", s.threads.Wait)
}

// TestThreadsReaped is Python's test_threads_reaped. A server keeps nothing of
// the requests that it has handled.
func TestThreadsReaped(t *testing.T) {
	var all []weak.Pointer[echo]
	var mu sync.Mutex
	s := &ThreadingTCPServer{}
	if err := s.Bind(s, localhost, func() RequestHandler {
		h := &echo{}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, weak.Make(h))
		return h
	}); err != nil {
		t.Fatal(err)
	}
	defer s.ServerClose()
	for range 10 {
		client := connect(t, s)
		if err := s.HandleRequest(); err != nil {
			t.Fatal(err)
		}
		leave(t, client, "<>")
	}
	s.Join()
	until(t, "rid of all handlers", func() bool {
		runtime.GC()
		return !slices.ContainsFunc(all, func(h weak.Pointer[echo]) bool { return h.Value() != nil })
	})
	noRequests(t)
}

// A burst of a thousand conversations leaves nothing behind.
func TestThreadingBurst(t *testing.T) {
	s, stop := start(t, "ThreadingTCPServer", "line")
	burst(t, s, 1) // the first one opens descriptors that stay open
	before := descriptors(t)
	burst(t, s, 1000)
	stop()
	if after := descriptors(t); after >= before { // the socket is closed
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
	noRequests(t)
}

// burst makes n clients converse with a server, ten at a time.
func burst(t *testing.T, s server, n int) {
	var clients sync.WaitGroup
	for worker := range min(10, n) {
		clients.Go(func() {
			for range (n + 9 - worker) / 10 {
				if err := converse(s); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
}

// converse plays a client that sends a line and gets its answer.
func converse(s server) error {
	conn, err := net.Dial(address(s).Network(), address(s).String())
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	if _, err := io.WriteString(conn, testString); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasSuffix(answer, " "+testString) {
		err = fmt.Errorf("heard %q", answer)
	}
	return err
}

// A countingServer notes the largest number of children that it had at a time.
type countingServer struct {
	ForkingTCPServer
	mu   sync.Mutex
	most int
}

func (s *countingServer) ProcessRequest(server Server, request *Request) {
	s.ForkingTCPServer.ProcessRequest(server, request)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = max(s.most, s.active())
}
