package progtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"os/exec"
	"path/filepath"
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
// which serve plays. It returns when serve does, and then hangs up. The port is
// the server's.
func PerformWith(t testing.TB, serve func(*net.TCPConn), name string, args ...string) (client *Play, port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port = PortOf(listener.Addr())
	client = Perform(t, "", name, append([]string{"127.0.0.1", "-p", port}, args...)...)
	listener.(*net.TCPListener).SetDeadline(time.Now().Add(Patience))
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(Patience))
	serve(conn.(*net.TCPConn))
	return client, port
}

// Stdout returns what the program printed, once Cmd.Wait has returned.
func (p *Play) Stdout() string { return p.stdout.String() }

// SendPieces returns what PerformWith plays for a server that sends pieces, each
// only when the client has read the one before it. A server that stays does not
// hang up before the client does. Only Linux shows what a client has read.
func SendPieces(pieces []string, stays bool) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		for i, piece := range pieces {
			if i > 0 {
				Taken(c) // if that fails, the client has gone, and prints why
			}
			io.WriteString(c, piece)
		}
		if stays {
			c.Read(make([]byte, 1))
		}
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
