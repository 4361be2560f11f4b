//go:build unix

package socketserver

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// When a server has to stop, handlers that wait for their clients end, and
// those that are answering finish. The signal may go to the server alone or, as
// with Ctrl-C, to its whole process group.
func TestStop(t *testing.T) {
	for _, test := range []struct {
		class, network string
		ctrlC          bool // and a second client is connected, but silent
	}{
		{"TCPServer", "tcp", false},
		{"ThreadingTCPServer", "tcp", true},
		{"ForkingTCPServer", "tcp", true},
		{"UDPServer", "udp", false},
		{"ThreadingUDPServer", "udp", false},
		{"ForkingUDPServer", "udp", false},
	} {
		t.Run(test.class, func(t *testing.T) {
			server := startListing(t, test.class, "late")
			asker := visit(t, server, test.network)
			say(t, asker, "?")
			hear(t, asker, "hello")
			hear(t, asker, "wait")
			var idle net.Conn
			if test.ctrlC {
				idle = visit(t, server, test.network)
				hear(t, idle, "hello")
			}
			pid := server.Pid
			if test.ctrlC {
				pid = -pid // its group
			}
			if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			hear(t, asker, "late")
			if test.ctrlC {
				ended(t, idle, "")
			}
			wantOutput(t, server)
		})
	}
}

// When the program has to stop, a handler does not wait for its client any
// longer, whatever deadlines it sets. If the client does not receive, writing
// ends when the program's time is over. Ctrl-C does not end it earlier, because
// a child gets only one signal.
func TestStopBusy(t *testing.T) {
	for _, class := range []string{"ThreadingTCPServer", "ForkingTCPServer"} {
		server := startListing(t, class, "stubborn")
		hear(t, visit(t, server, "tcp"), "hello")
		defer wantOutput(t, server, "reading: server stopped", "writing: server stopped")
		defer syscall.Kill(-server.Pid, syscall.SIGINT)
	}
}

// A server stops even if the signal comes before ServeForever.
func TestStopFirst(t *testing.T) {
	for _, class := range []string{"TCPServer", "UDPServer", "ForkingUDPServer"} {
		wantOutput(t, startListing(t, class, "stopped"))
	}
}

// ServerClose also ends a ServeForever or HandleRequest of a UDP server that is
// only about to wait for a request.
func TestServerCloseWhileBeginning(t *testing.T) {
	s, err := New[UDPServer, echo](localhost)
	if err != nil {
		t.Fatal(err)
	}
	s.serving.Lock()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.ServerClose()
	}()
	s.conn.ReadFrom(nil) // until it is woken
	if err := s.wait(0); err != nil {
		t.Fatal(err)
	}
	if err := s.handleOne(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
	s.serving.Unlock()
	<-closed
}

// If a program has several servers, a child handles the request of its own
// server and does not try to listen where the others do.
func TestSecondServer(t *testing.T) {
	t.Setenv(pathVariable, filepath.Join(folder(t), "first"))
	server := startListing(t, "second", "echo")
	for range 2 {
		client := visit(t, server, "tcp")
		leave(t, client, "<>")
	}
	server.Signal(syscall.SIGTERM)
	wantOutput(t, server)
}

// startListing starts a listing.
func startListing(t *testing.T, class, handler string) *progtest.Server {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), classVariable+"="+class, handlerVariable+"="+handler)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	server, err := progtest.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })
	return server
}

// visit connects a client to a listing.
func visit(t *testing.T, server *progtest.Server, network string) net.Conn {
	conn, err := net.Dial(network, "127.0.0.1:"+server.Port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	return conn
}

// wantOutput waits for a listing to end cleanly. It must have printed what
// every listing prints, once, with these lines in between.
func wantOutput(t *testing.T, server *progtest.Server, lines ...string) {
	t.Helper()
	if err := server.Wait(); err != nil {
		t.Error(err)
	}
	want := append([]string{"waiting for connection...", "Listening at 127.0.0.1:" + server.Port}, lines...)
	want = append(want, "served")
	if got := strings.Split(strings.TrimSpace(server.Output()), "\n"); !slices.Equal(got, want) {
		t.Errorf("%s printed %q, want %q", server.Name(), got, want)
	}
}
