package chapter03

import (
	"io"
	"net"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// The time that tcp_sixteen gives a client covers the whole message. The server
// drops a client that sends an octet now and then, before all sixteen have
// arrived.
func TestOctetAtATime(t *testing.T) {
	t.Parallel()
	server := progtest.MustStart(t, "tcp_sixteen", "server", "127.0.0.1", "-p", "0", "-t", "0.4")
	conn := progtest.Dial(t, server)
	dropped := make(chan struct{})
	go func() {
		io.Copy(io.Discard, conn)
		close(dropped)
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for said := 0; said < 15; said++ {
		conn.Write([]byte("x")) // fails once the server has closed the connection
		select {
		case <-tick.C:
			continue
		case <-dropped:
		}
		break
	}
	match, err := server.WaitFor(regexp.MustCompile(`only received (\d+) bytes: timed out\n`))
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := strconv.Atoi(match[1]); n == 15 {
		t.Error("the server waited until the client had stopped sending")
	}
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// In tcp_deadlock there is no message to complete, so a client that sends a
// byte now and then and reads the answer may stay. On a busy machine, the
// client or the server may be late. We cannot tell which, so another client
// tries.
func TestByteAtATime(t *testing.T) {
	t.Parallel()
	server := progtest.MustStart(t, "tcp_deadlock", "server", "127.0.0.1", "-p", "0", "-t", "0.4")
	giveUp := time.Now().Add(progtest.Patience)
	for !staysFor(time.Second, progtest.Dial(t, server)) {
		if time.Now().After(giveUp) {
			t.Fatal("no client has stayed for a second")
		}
	}
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// staysFor sends a byte ten times within d and reports whether each came back.
func staysFor(d time.Duration, conn net.Conn) bool {
	defer conn.Close()
	tick := time.NewTicker(d / 10)
	defer tick.Stop()
	for range 10 {
		if _, err := conn.Write([]byte("x")); err != nil {
			return false
		}
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			return false
		}
		<-tick.C
	}
	return true
}
