package chapter03

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
)

// With enough bytes, tcp_deadlock stalls. The kernel shows that each side waits
// for room to send, and that all four buffers of the connection are full. They
// hold as many bytes as the counters say. With -fix, even more bytes than these
// go through.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	server, client, sides := deadlock(t)

	// The server holds a piece that it has read and has not sent, or not
	// completely. The client may hold the rest of a piece, too.
	toServer := sides[1].Unsent + sides[0].Unread
	toClient := sides[0].Unsent + sides[1].Unread
	processed := shows(t, server, "processed so far", toClient-1024, toClient)
	sent := shows(t, client, "sent", processed+toServer-16, processed+toServer+1024)
	t.Logf("%d bytes sent, %d processed; %d on the way to the server, %d on the way back", sent, processed, toServer, toClient)
	if strings.Contains(client.Output(), "Receiving") {
		t.Errorf("the client reads before it has sent everything:\n%s", client.Output())
	}

	// On Ctrl-C, the client ends its line and leaves. The server says how the
	// connection ended, and serves the next client.
	if err := client.Stop(os.Interrupt); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(client.Output(), " bytes sent \n") {
		t.Errorf("at Ctrl-C the client printed:\n%s", client.Output())
	}
	waitFor(t, server, `\ntcp_deadlock: client .*: (connection reset by peer|broken pipe) before we sent \d+ bytes\n  Socket closed\n`)
	more := sent + 100_000
	more -= more % 16
	fixed := narrowClient(t, server, more, "-fix")
	shows(t, fixed, "received", more, more)
	if err := fixed.Wait(); err != nil {
		t.Errorf("with -fix: %v\n%s", err, fixed.Output())
	}
	shows(t, server, "processed so far", more, more)
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// A deadlocked server stops when it is told to. It says how much it still had
// to send, and the client says that the connection broke.
func TestDeadlockStopped(t *testing.T) {
	t.Parallel()
	server, client, _ := deadlock(t)
	if err := server.Stop(os.Interrupt); err != nil {
		t.Error(err)
	}
	waitFor(t, server, `\ntcp_deadlock: client .*: server stopped before we sent \d+ bytes\n  Socket closed\n$`)
	if err := client.Wait(); err == nil {
		t.Error("the client ended with status 0")
	}
	waitFor(t, client, ` bytes sent \ntcp_deadlock: send: (connection reset by peer|broken pipe)\n$`)
}

// tooMuch is more than the buffers of any kernel hold. The client and the
// server deadlock before the client has sent that much.
const tooMuch = 1 << 40

// deadlock returns a server and a client that are deadlocked, and what the
// kernel knows about each side.
func deadlock(t *testing.T) (server, client *progtest.Server, sides []progtest.State) {
	t.Helper()
	server = progtest.MustStart(t, "tcp_deadlock", "server", "127.0.0.1", "-p", "0")
	err := progtest.Narrow(server)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		t.Skip("the kernel does not show the sockets of other processes: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	client = narrowClient(t, server, tooMuch)
	waitFor(t, server, `closed\nProcessing .*\n`)
	sides, err = progtest.Stuck(server, client)
	if err != nil {
		t.Fatal(err)
	}
	return server, client, sides
}

// narrowClient starts a client that sends n bytes. It keeps the server busy with
// another client until the new client's buffers are as small as the server's.
func narrowClient(t *testing.T, server *progtest.Server, n int, args ...string) *progtest.Server {
	t.Helper()
	another := progtest.Dial(t, server)
	defer another.Close()
	args = append([]string{"client", "127.0.0.1", strconv.Itoa(n), "-p", server.Port}, args...)
	client := launch(t, "tcp_deadlock", args...)
	waitFor(t, client, "bytes sent")
	if err := progtest.Narrow(client); err != nil {
		t.Fatal(err)
	}
	return client
}

// launch starts a client, which is killed if the test does not end it.
func launch(t *testing.T, name string, args ...string) *progtest.Server {
	t.Helper()
	program, err := progtest.Launch(exec.Command(filepath.Join(progtest.Bin(), name), args...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Kill() })
	return program
}

func waitFor(t *testing.T, program *progtest.Server, pattern string) {
	t.Helper()
	if _, err := program.WaitFor(regexp.MustCompile(pattern)); err != nil {
		t.Fatal(err)
	}
}

// shows waits until the last count of bytes that a program has shown is from
// least to most, and returns it.
func shows(t *testing.T, program *progtest.Server, what string, least, most int) (n int) {
	t.Helper()
	counts := regexp.MustCompile(`\r  (\d+) bytes ` + what)
	err := program.WaitUntil(fmt.Sprintf("%d to %d bytes %s", least, most, what), func(output string) bool {
		if all := counts.FindAllStringSubmatch(output, -1); all != nil {
			n, _ = strconv.Atoi(all[len(all)-1][1])
		}
		return least <= n && n <= most
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
