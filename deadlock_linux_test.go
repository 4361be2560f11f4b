package fopnp

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"fopnp/internal/progtest"
)

// With enough bytes tcp_deadlock stalls: the kernel sees that each side waits
// for room to send, all four buffers of the connection are full, and they hold
// what the counters say. With -fix the same count goes through.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	server := launch(t, progtest.Start, "tcp_deadlock", "server", "127.0.0.1", "-p", "0")
	if err := narrow(server); err != nil {
		t.Skip("the kernel lets nobody look: ", err)
	}
	const count = 400_000
	args := []string{"client", "127.0.0.1", strconv.Itoa(count), "-p", server.Port}

	// The server is busy until the client's buffer is small as well.
	another := dial(t, server)
	client := launch(t, progtest.Launch, "tcp_deadlock", args...)
	waitFor(t, client, "bytes sent")
	if err := narrow(client); err != nil {
		t.Fatal(err)
	}
	another.Close()
	waitFor(t, server, `closed\nProcessing .*\n`)
	sides, err := stuck(server, client)
	if err != nil {
		t.Fatal(err)
	}

	// The server has a piece in hand that it has read and not sent, or not all;
	// and the client perhaps, of which not all is in the buffer.
	toServer := sides[1].unsent + sides[0].unread
	toClient := sides[0].unsent + sides[1].unread
	processed := shows(t, server, "processed so far", toClient-1024, toClient)
	sent := shows(t, client, "sent", processed+toServer-16, processed+toServer+1024)
	t.Logf("%d bytes sent, %d processed; %d on the way to the server, %d on the way back", sent, processed, toServer, toClient)
	if sent >= count || strings.Contains(client.Output(), "Receiving") {
		t.Errorf("the client has not waited with reading:\n%s", client.Output())
	}

	// At Ctrl-C the client leaves, and the server goes on.
	if err := client.Stop(os.Interrupt); err != nil {
		t.Error(err)
	}
	fixed := launch(t, progtest.Launch, "tcp_deadlock", append(args, "-fix")...)
	shows(t, fixed, "received", count, count)
	if err := fixed.Wait(); err != nil {
		t.Errorf("with -fix: %v\n%s", err, fixed.Output())
	}
	shows(t, server, "processed so far", count, count)
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
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
