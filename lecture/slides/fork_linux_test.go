package slides_test

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
)

// When SockServTCPFork has too few descriptors to start a child, its clients
// wait. The server reports each such shortage once.
func TestForkWaits(t *testing.T) {
	t.Parallel()
	server := progtest.MustStart(t, "SockServTCPFork", "-p", "0")
	first := progtest.OpenFiles(t, server)
	said := regexp.MustCompile(`(?m)^SockServTCPFork: fork \(will try again\): too many open files$`)
	for episode := 1; episode <= 2; episode++ {
		served := progtest.Dial(t, server)
		speak(t, served, "first")
		feed := progtest.Starve(t, server, first) // enough to accept, not to fork
		var waiting []net.Conn
		for range 5 {
			waiting = append(waiting, progtest.Dial(t, server))
		}
		if err := server.WaitUntil("that it cannot fork", func(output string) bool {
			return len(said.FindAllString(output, -1)) == episode
		}); err != nil {
			t.Fatal(err)
		}
		speak(t, served, "still served")
		doesNotSpin(t, server)
		feed()
		for _, conn := range waiting {
			speak(t, conn, "waited")
			io.WriteString(conn, "\n")
			io.ReadAll(conn)
		}
		io.WriteString(served, "\n")
		io.ReadAll(served)
	}
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if n := len(said.FindAllString(server.Output(), -1)); n != 2 {
		t.Errorf("it reported %d times in 2 shortages that it cannot fork", n)
	}
	if n := strings.Count(server.Output(), "SockServTCPFork: "); n != 2 {
		t.Errorf("it also reported something else:\n%s", server.Output())
	}
}

// speak sends a line, which must come back in upper case.
func speak(t *testing.T, conn net.Conn, line string) {
	t.Helper()
	fmt.Fprintf(conn, "%s\n", line)
	want := strings.ToUpper(line) + "\n"
	answer := make([]byte, len(want))
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != want {
		t.Fatalf("sent %q and received %q (%v)", line, answer, err)
	}
}

// doesNotSpin checks that a server uses next to no CPU time for a while.
func doesNotSpin(t *testing.T, server *progtest.Server) {
	t.Helper()
	cpu := func() time.Duration {
		var used unix.Timespec
		if err := unix.ClockGettime(int32(^server.Pid)<<3|2, &used); err != nil {
			t.Fatal(err)
		}
		return time.Duration(used.Nano())
	}
	before := cpu()
	<-time.After(300 * time.Millisecond)
	if used := cpu() - before; used > 30*time.Millisecond {
		t.Errorf("it used %v of CPU time while it could do nothing", used)
	}
}
