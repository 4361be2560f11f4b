package tincanchat_test

import (
	"io"
	"net"
	"syscall"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/terminal"
)

// A session is echo_client_uni at a terminal, with the test as its server.
type session struct {
	*terminal.Program
	t        *testing.T
	listener *net.TCPListener
	port     string
}

func atTerminal(t *testing.T) *session {
	t.Helper()
	listener, port := progtest.Listen(t)
	return &session{terminal.Start(t, 80, "echo_client_uni", "127.0.0.1", "-p", port), t, listener, port}
}

// asks waits until the client has connected and prompts for a message. It
// returns the connection and the screen.
func (s *session) asks(above string) (server net.Conn, screen string) {
	s.t.Helper()
	server = progtest.Accept(s.t, s.listener)
	screen = above + "\nConnected to 127.0.0.1:" + s.port + "\nType message, enter to send, 'q' to quit\n"
	s.Shows(screen[:len(screen)-1])
	return server, screen
}

const closedLine = "Closed connection to server\n"

// Each message has a connection of its own, and the client is connected before
// the user types.
func TestEchoClient(t *testing.T) {
	t.Parallel()
	s := atTerminal(t)
	server, screen := s.asks("")
	s.Type("hello world\r")
	screen += "hello world\nSent message: hello world\n"
	s.Shows(screen[:len(screen)-1])
	progtest.Hears(t, server, "hello world\x00")
	io.WriteString(server, "('127.0.0.1', 1): hello\x1b[2J")
	io.WriteString(server, "\x00")
	_, screen = s.asks(screen + "Received echo: ('127.0.0.1', 1): hello\\x1b[2J\n" + closedLine + "\n")
	s.Type("q\r")
	s.Exits(0)
	s.Shows(screen + "q\nClosed connection to server")
}

// Ctrl-D ends the client, which sends nothing then.
func TestEchoClientCtrlD(t *testing.T) {
	t.Parallel()
	s := atTerminal(t)
	server, screen := s.asks("")
	s.Type("\x04")
	s.Exits(0)
	s.Shows(screen + "Closed connection to server")
	if got, err := io.ReadAll(server); len(got) > 0 || err != nil {
		t.Errorf("the server received %q, %v", got, err)
	}
}

// Ctrl-C ends the client at once, as it ends any program.
func TestEchoClientCtrlC(t *testing.T) {
	t.Parallel()
	s := atTerminal(t)
	s.asks("")
	s.Type("half\x03")
	s.Exits(128 + int(syscall.SIGINT))
}

// A line with a NUL, which Ctrl-@ types, is not sent. The user may type another.
func TestEchoClientNUL(t *testing.T) {
	t.Parallel()
	s := atTerminal(t)
	server, screen := s.asks("")
	s.Type("one\x00two\r")
	s.Shows(screen + "one^@two\necho_client_uni: send: a message cannot contain a NUL byte")
	s.Type("\r")
	progtest.Hears(t, server, "\x00")
}

// Only after the user has typed a line does the client notice that the server
// is gone. One line says so.
func TestEchoServerGone(t *testing.T) {
	t.Parallel()
	s := atTerminal(t)
	server, _ := s.asks("")
	server.Close()
	s.Type("hello\r")
	s.Exits(1)
	s.Contains("\n" + closedLine + "\necho_client_uni: no echo from ('127.0.0.1', " + s.port + "): ")
}
