package basics_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/terminal"
)

const connected = "Connected to remote host. You can start sending messages\n"

// atTerminal starts chat_client at a terminal, with the test as its server.
func atTerminal(t *testing.T, columns int) (*terminal.Program, *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	me := terminal.Start(t, columns, "chat_client", "127.0.0.1", progtest.PortOf(listener.Addr()))
	listener.(*net.TCPListener).SetDeadline(time.Now().Add(progtest.Patience))
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	server.SetDeadline(time.Now().Add(progtest.Patience))
	return me, server.(*net.TCPConn)
}

// tells sends what the server says.
func tells(t *testing.T, server net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(server, text); err != nil {
		t.Fatal(err)
	}
}

// hears waits for what the client says.
func hears(t *testing.T, server net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(server, got); err != nil || string(got) != want {
		t.Fatalf("the server received %q, %v, want %q", got[:n], err, want)
	}
}

// What comes appears above the prompt, and the half line that is typed there
// stays, with the cursor where it was.
func TestTypeWhileOthersSpeak(t *testing.T) {
	t.Parallel()
	me, server := atTerminal(t, 80)
	me.Shows(connected + "[Me]")
	me.Cursor(1, 5)
	me.Type("half")
	me.Shows(connected + "[Me] half")
	tells(t, server, "[127.0.0.1:58500] entered our chatting room\n")
	screen := connected + "[127.0.0.1:58500] entered our chatting room\n"
	me.Shows(screen + "[Me] half")
	me.Cursor(2, 9)
	me.Type("\x1b[D\x1b[D") // two to the left
	me.Cursor(2, 7)
	for _, message := range []string{"hello", "\x1b[2J\x1b]0;title\a", "Client (127.0.0.1, 1) is offline", "x\r[forged]", "\xff€"} {
		tells(t, server, "\r[('127.0.0.1', 58500)] "+message+"\n")
	}
	screen += "[('127.0.0.1', 58500)] hello\n" +
		"[('127.0.0.1', 58500)] \\x1b[2J\\x1b]0;title\\x07\n" +
		"[('127.0.0.1', 58500)] Client (127.0.0.1, 1) is offline\n" +
		"[('127.0.0.1', 58500)] x\\r[forged]\n" +
		"[('127.0.0.1', 58500)] \\xff€\n"
	me.Shows(screen + "[Me] half")
	me.Cursor(7, 7)
	me.Type("-") // in the middle
	me.Shows(screen + "[Me] ha-lf")
	me.Type("\r")
	hears(t, server, "ha-lf\n")
	me.Shows(screen + "[Me] ha-lf\n[Me]")
	me.Type("\x1b[A") // the line before
	me.Shows(screen + "[Me] ha-lf\n[Me] ha-lf")
}

// On a narrow terminal, both the messages and the half line take several rows.
func TestNarrowTerminal(t *testing.T) {
	t.Parallel()
	me, server := atTerminal(t, 20)
	screen := "Connected to remote\nhost. You can start\nsending messages\n"
	me.Shows(screen + "[Me]")
	me.Type("a line of more than twenty columns, and of forty")
	half := "[Me] a line of more\nthan twenty columns,\n and of forty"
	me.Shows(screen + half)
	tells(t, server, "\r[('127.0.0.1', 58500)] hello\n")
	screen += "[('127.0.0.1', 58500\n)] hello\n"
	me.Shows(screen + half)
	me.Type("\x01") // to the beginning
	me.Cursor(5, 5)
	tells(t, server, "\r[('127.0.0.1', 58500)] hello again\n")
	screen += "[('127.0.0.1', 58500\n)] hello again\n"
	me.Shows(screen + half)
	me.Cursor(7, 5)
	tells(t, server, "x\n")
	screen += "x\n"
	me.Shows(screen + half)
	me.Type("\r")
	hears(t, server, "a line of more than twenty columns, and of forty\n")
}

// A server that goes away while you type ends the client. What was typed stays
// on the screen.
func TestServerGoneWhileTyping(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn) error{
		"close":      (*net.TCPConn).Close,
		"half-close": (*net.TCPConn).CloseWrite,
		"reset": func(server *net.TCPConn) error {
			return errors.Join(server.SetLinger(0), server.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			me, server := atTerminal(t, 80)
			me.Shows(connected + "[Me]")
			me.Type("half")
			me.Shows(connected + "[Me] half")
			if err := leave(server); err != nil {
				t.Fatal(err)
			}
			me.Exits(0)
			me.Shows(connected + "[Me] half\nDisconnected from chat server")
		})
	}
}

// Ctrl-D ends the client.
func TestCtrlD(t *testing.T) {
	t.Parallel()
	me, server := atTerminal(t, 80)
	me.Shows(connected + "[Me]")
	me.Type("hello\r")
	me.Shows(connected + "[Me] hello\n[Me]")
	me.Type("\x04")
	me.Exits(0)
	if got, err := io.ReadAll(server); string(got) != "hello\n" || err != nil {
		t.Errorf("the server received %q, %v", got, err)
	}
}

// Ctrl-C and signals end the client, and the terminal is as it was before.
func TestCtrlC(t *testing.T) {
	for name, end := range map[string]struct {
		how    func(*terminal.Program)
		status int
	}{
		"Ctrl-C":  {func(me *terminal.Program) { me.Type("\x03") }, 128 + int(syscall.SIGINT)},
		"SIGINT":  {func(me *terminal.Program) { me.Signal(syscall.SIGINT) }, 128 + int(syscall.SIGINT)},
		"SIGTERM": {func(me *terminal.Program) { me.Signal(syscall.SIGTERM) }, 128 + int(syscall.SIGTERM)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			me, _ := atTerminal(t, 80)
			me.Shows(connected + "[Me]")
			me.Type("half")
			me.Shows(connected + "[Me] half")
			end.how(me)
			me.Exits(end.status)
		})
	}
}

// A line that is too long is not sent, and one line says so.
func TestLineTooLong(t *testing.T) {
	t.Parallel()
	me, server := atTerminal(t, 80)
	me.Shows(connected + "[Me]")
	for range 2048 / 32 {
		me.Type(strings.Repeat("€", 32))
	}
	me.Type("\r")
	me.Contains("\nchat_client: send: a line of 6144 bytes is too long (at most 4096)\n")
	me.Type("short\r")
	hears(t, server, "short\n")
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
	hears(t, first, fmt.Sprintf("\r[('127.0.0.1', %s)] hello from nc\n", match[1]))
	netcat.Kill()
	hears(t, first, fmt.Sprintf("Client (127.0.0.1, %s) is offline\n", match[1]))
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}
