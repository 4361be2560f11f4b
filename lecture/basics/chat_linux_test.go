package basics_test

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"regexp"
	"syscall"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/terminal"
)

const connected = "Connected to remote host. You can start sending messages\n"

// atTerminal starts chat_client at a terminal, with the test as its server.
func atTerminal(t *testing.T, columns int) (*terminal.Program, *net.TCPConn) {
	t.Helper()
	listener, port := progtest.Listen(t)
	me := terminal.Start(t, columns, "chat_client", "127.0.0.1", port)
	return me, progtest.Accept(t, listener)
}

// tells sends text as the server.
func tells(t *testing.T, server net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(server, text); err != nil {
		t.Fatal(err)
	}
}

// What the server says about clients has no "\r" in front of it.
func TestNotices(t *testing.T) {
	t.Parallel()
	me, server := atTerminal(t, 80)
	tells(t, server, "[127.0.0.1:58500] entered our chatting room\n"+
		"\r[('127.0.0.1', 58500)] Client (127.0.0.1, 1) is offline\n")
	me.Shows("Connected to remote host. You can start sending messages\n" +
		"[127.0.0.1:58500] entered our chatting room\n" +
		"[('127.0.0.1', 58500)] Client (127.0.0.1, 1) is offline\n[Me]")
}

// Netcat is a client like any other.
func TestNetcat(t *testing.T) {
	t.Parallel()
	nc, err := exec.LookPath("nc")
	if err != nil {
		t.Skip("there is no nc")
	}
	server := progtest.MustStart(t, "chat_server", "127.0.0.1", "-p", "0")
	first := progtest.Dial(t, server)
	cmd := exec.Command(nc, "127.0.0.1", server.Port)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	netcat, err := progtest.Launch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer netcat.Kill()
	entered := regexp.MustCompile(`^\[127\.0\.0\.1:(\d+)\] entered our chatting room\n$`)
	buffer := make([]byte, 200)
	n, err := first.Read(buffer)
	match := entered.FindSubmatch(buffer[:n])
	if match == nil {
		t.Fatalf("received %q, %v", buffer[:n], err)
	}
	tells(t, first, "hello\n")
	address := fmt.Sprintf("('127.0.0.1', %s)", progtest.PortOf(first.LocalAddr()))
	if _, err := netcat.WaitFor(regexp.MustCompile(regexp.QuoteMeta("\r[" + address + "] hello\n"))); err != nil {
		t.Error(err)
	}
	tells(t, first, "bye\n")
	if _, err := io.WriteString(stdin, "hello from nc\n"); err != nil {
		t.Fatal(err)
	}
	progtest.Hears(t, first, fmt.Sprintf("\r[('127.0.0.1', %s)] hello from nc\n", match[1]))
	netcat.Kill()
	progtest.Hears(t, first, fmt.Sprintf("Client (127.0.0.1, %s) is offline\n", match[1]))
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}
