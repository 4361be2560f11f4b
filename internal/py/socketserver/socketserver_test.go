package socketserver

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/socket"
)

// The tests of a single server class are named as in CPython's
// Lib/test/test_socketserver.py, class SocketServerTest.

const testString = "hello world\n"

// runServer starts a server and makes three clients converse with it. A forking
// server must answer each client from a new process, any other server from this
// process. Afterwards nothing of the server may be left.
func runServer(t *testing.T, class string) {
	handler := "line"
	if strings.Contains(class, "UDP") || strings.Contains(class, "Datagram") {
		handler = "datagram"
	}
	s, stop := start(t, class, handler)
	forks := strings.HasPrefix(class, "Forking")
	processes := map[int]bool{os.Getpid(): true}
	for range 3 {
		client := connect(t, s)
		say(t, client, testString)
		process := handledBy(t, client, testString)
		if processes[process] == forks {
			t.Errorf("process %d handled the request; this one and earlier ones are %v",
				process, processes)
		}
		processes[process] = true
		if handler == "line" {
			ended(t, client, "")
		}
		client.Close()
	}
	at := address(s)
	stop()
	if err := s.HandleRequest(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("HandleRequest of a closed server returned %v, want %v", err, net.ErrClosed)
	}
	if _, err := os.Stat(at.String()); strings.Contains(class, "Unix") && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the path of the closed server: %v, want %v", err, fs.ErrNotExist)
	}
	if forking, ok := s.(interface{ active() int }); ok && forking.active() != 0 {
		t.Errorf("%d children are left", forking.active())
	}
	noRequests(t)
}

// active returns how many children there are.
func (m *ForkingMixIn) active() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.children
}

// noRequests checks that no conversation is open.
func noRequests(t *testing.T) {
	t.Helper()
	if n := socket.NumConversations(); n != 0 {
		t.Errorf("%d conversations are still open", n)
	}
}

// simpleSubprocess starts a child that is not the server's, so the server must
// not wait for it. The function that simpleSubprocess returns waits for it.
func simpleSubprocess(t *testing.T) (wait func()) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), classVariable+"=none")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := child.Wait(); child.ProcessState.ExitCode() != 72 {
			t.Errorf("wait for our own child: %v", err)
		}
	}
}

func TestForkingTCPServer(t *testing.T) {
	defer simpleSubprocess(t)()
	runServer(t, "ForkingTCPServer")
}

func TestTCPServer(t *testing.T)                   { runServer(t, "TCPServer") }
func TestThreadingTCPServer(t *testing.T)          { runServer(t, "ThreadingTCPServer") }
func TestUnixStreamServer(t *testing.T)            { runServer(t, "UnixStreamServer") }
func TestThreadingUnixStreamServer(t *testing.T)   { runServer(t, "ThreadingUnixStreamServer") }
func TestForkingUnixStreamServer(t *testing.T)     { runServer(t, "ForkingUnixStreamServer") }
func TestUDPServer(t *testing.T)                   { runServer(t, "UDPServer") }
func TestThreadingUDPServer(t *testing.T)          { runServer(t, "ThreadingUDPServer") }
func TestForkingUDPServer(t *testing.T)            { runServer(t, "ForkingUDPServer") }
func TestUnixDatagramServer(t *testing.T)          { runServer(t, "UnixDatagramServer") }
func TestThreadingUnixDatagramServer(t *testing.T) { runServer(t, "ThreadingUnixDatagramServer") }
func TestForkingUnixDatagramServer(t *testing.T)   { runServer(t, "ForkingUnixDatagramServer") }

// Shutdown makes a ServeForever in another goroutine return, whether or not it
// has begun to serve. This holds for both kinds of server.
func TestShutdown(t *testing.T) {
	for i := range 20 {
		s := create(t, []string{"TCPServer", "UDPServer"}[i%2], "line")
		for range 2 { // it can serve again
			served := make(chan struct{})
			go func() {
				defer close(served)
				s.ServeForever()
			}()
			s.Shutdown()
			<-served
		}
		s.ServerClose()
	}
}

// When Shutdown returns, no request is being handled. But the socket is still
// open, and the next ServeForever serves a client that has connected meanwhile.
func TestShutdownWaits(t *testing.T) {
	s, stop := start(t, "TCPServer", "echo")
	first := connect(t, s)
	hear(t, first, "<")
	shut := make(chan struct{})
	go func() {
		defer close(shut)
		s.Shutdown()
		noRequests(t)
	}()
	until(t, "shut down", s.base().shutdown.Load)
	second := connect(t, s)
	say(t, first, "one")
	hear(t, first, "one")
	leave(t, first, ">")
	<-shut
	go s.ServeForever()
	hear(t, second, "<")
	leave(t, second, ">")
	stop()
}

// A server may be closed before it has served a client.
func TestCloseImmediately(t *testing.T) {
	for _, class := range []string{"ThreadingTCPServer", "ThreadingUDPServer"} {
		create(t, class, "line").ServerClose()
	}
}

func TestContextManager(t *testing.T) {
	var s server
	func() {
		s = create(t, "TCPServer", "line")
		defer s.ServerClose()
	}()
	if err := s.HandleRequest(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("HandleRequest of a closed server returned %v, want %v", err, net.ErrClosed)
	}
}

// A Bind that fails leaves no descriptor open.
func TestTCPServerBindLeak(t *testing.T) {
	taken := create(t, "TCPServer", "line").(*TCPServer)
	defer taken.ServerClose()
	alsoTaken := create(t, "UDPServer", "datagram").(*UDPServer)
	defer alsoTaken.ServerClose()
	before := descriptors(t)
	for range 1024 {
		for _, address := range []socket.Address{{Host: "127.0.0.1", Port: -1}, taken.ServerAddress} {
			if _, err := New[TCPServer, line](address); err == nil {
				t.Fatal("Bind did not fail at", address)
			}
		}
		if _, err := New[UDPServer, datagram](alsoTaken.ServerAddress); err == nil {
			t.Fatal("Bind did not fail at", alsoTaken.ServerAddress)
		}
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

// descriptors returns how many descriptors this process has open, or 0 on
// systems without /proc/self/fd.
func descriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return len(entries)
}

// ServerAddress has the host as asked for, and the port that the system chose.
func TestServerAddress(t *testing.T) {
	for _, host := range []string{"", "localhost", "127.0.0.1"} {
		tcp, err := New[TCPServer, line](socket.Address{Host: host})
		if err != nil {
			t.Fatal(err)
		}
		defer tcp.ServerClose()
		udp, err := New[UDPServer, datagram](socket.Address{Host: host})
		if err != nil {
			t.Fatal(err)
		}
		defer udp.ServerClose()
		got := []socket.Address{tcp.ServerAddress, udp.ServerAddress}
		want := []socket.Address{
			{Host: host, Port: address(tcp).(*net.TCPAddr).Port},
			{Host: host, Port: address(udp).(*net.UDPAddr).Port},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// The empty host means every interface, over IPv4 and IPv6.
func TestEveryInterface(t *testing.T) {
	for _, create := range []func() (server, error){
		func() (server, error) { return New[TCPServer, echo](socket.Address{}) },
		func() (server, error) { return New[UDPServer, echo](socket.Address{}) },
	} {
		s, err := create()
		if err != nil {
			t.Fatal(err)
		}
		go s.ServeForever()
		defer s.ServerClose()
		at := address(s)
		_, port, _ := net.SplitHostPort(at.String())
		for _, host := range []string{"127.0.0.1", "::1"} {
			probe, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
			if err != nil {
				t.Logf("%s is not tested: %v", host, err)
				continue
			}
			probe.Close()
			client, err := net.Dial(at.Network(), net.JoinHostPort(host, port))
			if err != nil {
				t.Error(err)
				continue
			}
			client.SetDeadline(time.Now().Add(progtest.Patience))
			say(t, client, "?")
			hear(t, client, "<?")
			client.Close()
		}
	}
}

// TestAll is Python's test_all. The package has the types that Python's module
// has, and those that only Go needs.
func TestAll(t *testing.T) {
	want := []string{"Server", "RequestHandlerClass", "Request", "RequestHandler", "Datagram", "Panic",
		"BaseServer", "ThreadingMixIn", "ForkingMixIn",
		"BaseRequestHandler", "StreamRequestHandler", "DatagramRequestHandler"}
	for _, kind := range []string{"TCP", "UDP", "UnixStream", "UnixDatagram"} {
		for _, mixIn := range []string{"", "Threading", "Forking"} {
			want = append(want, mixIn+kind+"Server")
		}
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				got = append(got, spec.Name.Name)
			}
			return true
		})
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(fmt.Sprint("exported types (-want +got):\n", diff))
	}
}
