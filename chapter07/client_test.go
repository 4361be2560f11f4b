package chapter07

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// If the Zen client gets no answer, or half of one, it says so and ends with
// status 1.
func TestZenReplies(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, test := range map[string]struct{ reply, why string }{
		"none":    {"", "socket closed"},
		"half":    {"Ugl", "received b'Ugl' then socket closed"},
		"endless": {long, "received b'" + long[:40] + "'... without b'.' in 4096 bytes"},
		"reset":   {"RST", syscall.ECONNRESET.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			client := progtest.Perform(t, "", "client", "127.0.0.1", "-p", progtest.PortOf(listener.Addr()), "-t", "0")
			conn, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(progtest.Patience))
			question, err := bufio.NewReader(conn).ReadString('?')
			if err != nil {
				t.Fatal(err)
			}
			if test.reply == "RST" {
				conn.(*net.TCPConn).SetLinger(0)
			} else if _, err := io.WriteString(conn, test.reply); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			client.Prints(t, "", fmt.Sprintf("client: no answer to b'%s': %s\n", question, test.why))
			if status := client.Cmd.ProcessState.ExitCode(); status != 1 {
				t.Errorf("the client exits with status %d, want 1", status)
			}
		})
	}
}

// The client asks in random order: sooner or later, the order changes.
func TestRandomOrder(t *testing.T) {
	t.Parallel()
	server := progtest.MustStart(t, "srv_threaded", "127.0.0.1", "-p", "0")
	orders := map[string]bool{}
	for range 40 { // three questions have six orders
		out, err := exec.Command("client", "127.0.0.1", "-p", server.Port).Output()
		if err != nil {
			t.Fatal(err)
		}
		if orders[string(out)] = true; len(orders) == 2 {
			return
		}
	}
	t.Errorf("the client asked 40 times in one order:\n%v", orders)
}
