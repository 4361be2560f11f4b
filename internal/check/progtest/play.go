package progtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Dial connects to a server on loopback. The connection has a deadline,
// Patience from now, and is closed when the test ends.
func Dial(t testing.TB, server *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", server.Port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(Patience))
	return conn
}

// PortOf returns the port of an address.
func PortOf(address net.Addr) string {
	_, port, _ := net.SplitHostPort(address.String())
	return port
}

// Listen listens at a port of loopback, for a test that plays the server of a
// program. The listener has a deadline, Patience from now, and is closed when the
// test ends.
func Listen(t testing.TB) (listener *net.TCPListener, port string) {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	listener.SetDeadline(time.Now().Add(Patience))
	return listener, PortOf(listener.Addr())
}

// Accept returns the connection of the next client. It has a deadline, Patience
// from now, and is closed when the test ends.
func Accept(t testing.TB, listener *net.TCPListener) *net.TCPConn {
	t.Helper()
	conn, err := listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(Patience))
	return conn
}

// Hears waits for what a program says to the test, its peer.
func Hears(t testing.TB, peer net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(peer, got); err != nil || string(got) != want {
		t.Fatalf("the program said %q, %v, want %q", got[:n], err, want)
	}
}

// A Play is a program that a test has started. The test plays its peer.
type Play struct {
	Cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// Perform starts a program of Bin with stdin as its standard input. The program
// is killed if it still runs after Patience, or when the test ends.
func Perform(t testing.TB, stdin, name string, args ...string) *Play {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	p := &Play{Cmd: exec.CommandContext(ctx, filepath.Join(Bin(), name), args...)}
	p.Cmd.Stdin, p.Cmd.Stdout, p.Cmd.Stderr = strings.NewReader(stdin), &p.stdout, &p.stderr
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// PerformWith starts a client program with args and the address of a server,
// which serve plays. When serve returns, PerformWith hangs up and returns. The
// port is the server's.
func PerformWith(t testing.TB, serve func(*net.TCPConn), name string, args ...string) (client *Play, port string) {
	t.Helper()
	listener, port := Listen(t)
	client = Perform(t, "", name, append([]string{"127.0.0.1", "-p", port}, args...)...)
	conn := Accept(t, listener)
	defer conn.Close()
	serve(conn)
	return client, port
}

// Stdout returns what the program printed, once Cmd.Wait has returned.
func (p *Play) Stdout() string { return p.stdout.String() }

// A Reply is what a server sends to a client program, and what the client makes
// of it. Only Linux shows what a client has read.
type Reply struct {
	Pieces  []string // each is sent when the client has read the one before it
	Stays   bool     // the server does not hang up
	Stdout  string   // the status is 0 if and only if the client prints anything here
	Problem string   // what the client says on stderr, if anything; ADDR is the server
}

// send sends the reply to a client.
func (r Reply) send(c *net.TCPConn) {
	for i, piece := range r.Pieces {
		if i > 0 {
			Taken(c) // if that fails, the client has gone, and prints why
		}
		io.WriteString(c, piece)
	}
	if r.Stays {
		c.Read(make([]byte, 1))
	}
}

// Test runs the client program called name, with a timeout of two seconds if it
// must time out, and otherwise without a timeout.
func (r Reply) Test(t *testing.T, name string) {
	if runtime.GOOS != "linux" && len(r.Pieces) > 1 {
		t.Skip("only Linux shows what a client has read")
	}
	t.Parallel()
	patience := "0"
	if strings.HasSuffix(r.Problem, "timed out") {
		patience = "2" // enough for what is sent to arrive
	}
	client, port := PerformWith(t, r.send, name, "-t", patience)
	problem := ""
	if r.Problem != "" {
		problem = name + ": " + strings.ReplaceAll(r.Problem, "ADDR", "('127.0.0.1', "+port+")") + "\n"
	}
	client.Prints(t, r.Stdout, problem)
	if status := client.Cmd.ProcessState.ExitCode(); (status == 0) != (r.Stdout != "") {
		t.Errorf("its status is %d", status)
	}
}

// Prints waits until the program ends and compares what it printed with stdout
// and stderr.
func (p *Play) Prints(t testing.TB, stdout, stderr string) {
	t.Helper()
	p.Cmd.Wait() // no need for the error: a failure shows on stderr
	if got := p.stdout.String(); got != stdout {
		t.Errorf("stdout is %q, want %q", got, stdout)
	}
	if got := p.stderr.String(); got != stderr {
		t.Errorf("stderr is %q, want %q", got, stderr)
	}
}

// Ends waits until the program ends, and returns what it printed to stderr. The
// error says how it ended, if not with status 0.
func (p *Play) Ends() (stderr string, err error) {
	err = p.Cmd.Wait()
	return p.stderr.String(), err
}
