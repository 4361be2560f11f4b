package basics_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
)

// A leaver is a client whose input has ended. Its server talks on and on, more
// than the client can print, and has not read anything yet. So most of what was
// typed is still in the client's system.
type leaver struct {
	*progtest.Play
	server *net.TCPConn
	typed  string
	port   string
}

func leaves(t *testing.T, options ...string) leaver {
	t.Helper()
	small := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 16<<10) })
		return err
	}}
	listener, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	line := strings.Repeat("x", 999) + "\n"
	l := leaver{typed: strings.Repeat(line, 100), port: progtest.PortOf(listener.Addr())}
	l.Play = progtest.Perform(t, l.typed, "chat_client", append(options, "127.0.0.1", l.port)...)
	listener.(*net.TCPListener).SetDeadline(time.Now().Add(progtest.Patience))
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	l.server = conn.(*net.TCPConn)
	l.server.SetDeadline(time.Now().Add(progtest.Patience))
	go func() {
		for {
			if _, err := io.WriteString(l.server, strings.Repeat(line, 100)); err != nil {
				return
			}
		}
	}()
	ours := l.server.LocalAddr().(*net.TCPAddr).AddrPort()
	theirs := l.server.RemoteAddr().(*net.TCPAddr).AddrPort()
	progtest.Until(t, "the client leaves", func() bool {
		side, err := kernel.SideOf(theirs, ours)
		return err != nil || side.ShutDown || side.Closed
	})
	return l
}

// What was typed arrives, even if the server takes its time, and the client has
// not read all that the server has sent.
func TestTypedArrives(t *testing.T) {
	t.Parallel()
	client := leaves(t)
	<-time.After(1200 * time.Millisecond)
	got := make([]byte, len(client.typed))
	if n, err := io.ReadFull(client.server, got); err != nil || string(got) != client.typed {
		t.Errorf("the server received %d of %d bytes, or others: %v", n, len(got), err)
	}
	if complaint, err := client.Ends(); err != nil {
		t.Errorf("%v, %s", err, complaint)
	}
}

// If the server does not take it in time, the client does not leave as if it had.
func TestTypedIsNotTaken(t *testing.T) {
	t.Parallel()
	client := leaves(t, "-t", "0.5")
	complaint, err := client.Ends()
	want := fmt.Sprintf("chat_client: chat at ('127.0.0.1', %s): the server took no line in 500ms\n", client.port)
	if err == nil || complaint != want {
		t.Errorf("%v, it complains %q, want %q", err, complaint, want)
	}
}
