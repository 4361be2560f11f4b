//go:build unix

package socketserver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"weak"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/program"
)

// If there are as many children as MaxChildren allows, the next client waits.
func TestMaxChildren(t *testing.T) {
	s := create(t, "countingServer", "echo").(*countingServer)
	s.MaxChildren = 2
	var clients []net.Conn
	for range 4 {
		clients = append(clients, connect(t, s))
	}
	go s.ServeForever()
	for i := range clients {
		hear(t, clients[i], "<")
		if i > 0 {
			leave(t, clients[i-1], ">")
		}
	}
	leave(t, clients[3], ">")
	s.ServerClose()
	if s.most != 2 {
		t.Errorf("there were %d children, want 2", s.most)
	}
	noChildren(t)
}

// noChildren fails the test if this process has children, even dead ones.
func noChildren(t *testing.T) {
	t.Helper()
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("a child is left: %d, %v", pid, err)
	}
}

// If a child is killed, the server reports it in one line. Other clients do not
// notice.
func TestKilledChild(t *testing.T) {
	var victim string
	said := captured(t, func() {
		s, stop := start(t, "ForkingTCPServer", "echo")
		client, witness := connect(t, s), connect(t, s)
		victim = pyfmt.Addr(client.LocalAddr())
		hear(t, witness, "<")
		hear(t, client, "<")
		say(t, client, "what")
		child := handledBy(t, client, seen(s, client))
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		ended(t, client, "")
		say(t, witness, "one")
		hear(t, witness, "one")
		leave(t, witness, ">")
		client = connect(t, s)
		leave(t, client, "<>")
		stop()
	})
	if want := program.Name() + ": request from " + victim + ": signal: killed\n"; said != want {
		t.Errorf("printed %q, want %q", said, want)
	}
	noChildren(t)
}

// A handler sees the same in a child as in the server, except for the process
// id.
func TestChild(t *testing.T) {
	for _, class := range []string{"TCPServer", "ForkingTCPServer"} {
		s, _ := start(t, class, "echo")
		client := connect(t, s)
		hear(t, client, "<")
		say(t, client, "what")
		if process := handledBy(t, client, seen(s, client)); process == os.Getpid() != (class == "TCPServer") {
			t.Errorf("%s: handled by process %d, the server is %d", class, process, os.Getpid())
		}
	}
}

// The exit status of a child is 0 if its handler returned, and 1 otherwise.
func TestExitStatus(t *testing.T) {
	t.Setenv(pathVariable, filepath.Join(folder(t), "log"))
	for handler, want := range map[string]int{"upper": 0, "exit": 1} {
		s := create(t, "ForkingTCPServer", handler)
		client := connect(t, s)
		request, err := s.GetRequest()
		if err != nil {
			t.Fatal(err)
		}
		child, err := fork(s.base().name, request)
		if err != nil {
			t.Fatal(err)
		}
		request.release()
		leave(t, client, "")
		child.Wait()
		if got := child.ProcessState.ExitCode(); got != want {
			t.Errorf("handler %s: status %d, want %d", handler, got, want)
		}
		s.ServerClose()
	}
}

// A child that has ended, and the socket of a closed server, are garbage. The code
// that stops the program does not keep them.
func TestForgotten(t *testing.T) {
	s := create(t, "ForkingTCPServer", "upper")
	client := connect(t, s)
	request, err := s.GetRequest()
	if err != nil {
		t.Fatal(err)
	}
	c, err := fork(s.base().name, request)
	if err != nil {
		t.Fatal(err)
	}
	request.release()
	leave(t, client, "")
	if err := c.wait(); err != nil {
		t.Error(err)
	}
	tcp := weak.Make(s.(*ForkingTCPServer).listener.Listener.(*net.TCPListener))
	s.ServerClose()
	datagrams := create(t, "UDPServer", "upper").(*UDPServer)
	udp := weak.Make(datagrams.conn.(*net.UDPConn))
	datagrams.ServerClose()

	child := weak.Make(c)
	s, c, request, datagrams = nil, nil, nil, nil
	until(t, "rid of the child and both sockets", func() bool {
		runtime.GC()
		return child.Value() == nil && tcp.Value() == nil && udp.Value() == nil
	})
}

// seen returns the answer of the handler "echo" to "what": what it sees of its
// server and client.
func seen(s server, client net.Conn) string {
	return fmt.Sprintf("%s at %s false\n", pyfmt.Addr(client.LocalAddr()), pyfmt.Addr(address(s)))
}

// A burst of conversations leaves no child, dead or alive, and no descriptor.
// With the race detector, the burst is small, because processes start slowly.
func TestForkingBurst(t *testing.T) {
	n := progtest.Count(200, 1000)
	if progtest.Race {
		n = 5
	}
	for _, burstOf := range []struct {
		class, handler string
		n              int
	}{
		{"ForkingTCPServer", "line", n},
		{"ForkingUDPServer", "datagram", 2},
	} {
		s, stop := start(t, burstOf.class, burstOf.handler)
		burst(t, s, 1) // what is opened once stays open
		before := descriptors(t)
		burst(t, s, burstOf.n)
		stop()
		if after := descriptors(t); after >= before { // the socket is closed
			t.Errorf("%s: %d descriptors are open, %d were before", burstOf.class, after, before)
		}
	}
	noChildren(t)
	noRequests(t)
}

// A pipeServer gets connections that are not sockets.
type pipeServer struct {
	ForkingTCPServer
	problems []error
}

func (s *pipeServer) GetRequest() (*Request, error) {
	request, err := s.ForkingTCPServer.GetRequest()
	if err == nil {
		request.Conn.Close()
		request.Conn, _ = net.Pipe()
	}
	return request, err
}

func (s *pipeServer) HandleError(_ *Request, problem error) {
	s.problems = append(s.problems, problem)
}

// If the server cannot start a child for a request, only this request fails.
func TestForkFails(t *testing.T) {
	s := &pipeServer{}
	if err := s.Bind(s, localhost, handlers["echo"]); err != nil {
		t.Fatal(err)
	}
	defer s.ServerClose()
	client := connect(t, s)
	if err := s.HandleRequest(); err != nil {
		t.Error(err)
	}
	ended(t, client, "")
	if len(s.problems) != 1 {
		t.Errorf("problems: %v", s.problems)
	}
	noRequests(t)
}

// A sender without a name cannot get an answer. Only its request fails.
func TestNamelessSender(t *testing.T) {
	for _, class := range []string{"UnixDatagramServer", "ForkingUnixDatagramServer"} {
		said := captured(t, func() {
			s, stop := start(t, class, "datagram")
			nameless, err := net.Dial("unixgram", address(s).String())
			if err != nil {
				t.Fatal(err)
			}
			defer nameless.Close()
			say(t, nameless, testString)
			client := connect(t, s)
			say(t, client, testString)
			handledBy(t, client, testString)
			stop()
		})
		if want := program.Name() + ": request from "; !strings.HasPrefix(said, want) || strings.Count(said, "\n") != 1 {
			t.Errorf("%s printed %q", class, said)
		}
	}
}
