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

// A server that is asked to stop, be it by a signal to itself or, as with Ctrl-C,
// to all of its group, has the handlers that wait for their clients end, and
// those that answer finish.
func TestStop(t *testing.T) {
	for _, test := range []struct {
		class, network string
		ctrlC          bool // and there is a client who says nothing besides
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
			whom := server.Pid
			if test.ctrlC {
				whom = -whom // its group
			}
			if err := syscall.Kill(whom, syscall.SIGINT); err != nil {
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

// Whatever deadlines a handler sets, it does not wait for its client when the
// program stops. If the client does not take what it is sent, that ends when the
// program's time is over, and not before: a child takes Ctrl-C for one signal.
func TestStopBusy(t *testing.T) {
	for _, class := range []string{"ThreadingTCPServer", "ForkingTCPServer"} {
		server := startListing(t, class, "stubborn")
		hear(t, visit(t, server, "tcp"), "hello")
		defer wantOutput(t, server, "reading: server stopped", "writing: server stopped")
		defer syscall.Kill(-server.Pid, syscall.SIGINT)
	}
}

// A stop that comes before anybody serves is a stop.
func TestStopFirst(t *testing.T) {
	for _, class := range []string{"TCPServer", "UDPServer", "ForkingUDPServer"} {
		wantOutput(t, startListing(t, class, "stopped"))
	}
}

// A UDP server that is closed is closed for those as well who were about to
// wait for a request.
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
		t.Errorf("%v, want %v", err, net.ErrClosed)
	}
	s.serving.Unlock()
	<-closed
}

// A child serves the request of its own server, if the program has others, and
// does not try to listen where they do.
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

// wantOutput wants a listing to have ended in order, and to have said only what
// listings say, and once, and in between those lines.
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
