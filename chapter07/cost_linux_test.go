package chapter07

import (
	"bytes"
	"io"
	"net"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/chapter07/internal/zenload"
	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
)

// costs limits the system calls that each server may use for a question, and
// the memory for a silent client. Neither depends on how busy the machine is.
var costs = []struct {
	server  string
	clients int     // how many ask at the same time
	calls   float64 // most system calls for a question
	idle    float64 // most KiB of memory for a silent client; 0: not measured
}{
	{"srv_single", 1, 5, 0},
	{"srv_threaded", 4, 3.2, 0},
	{"srv_async", 64, 2.2, 0.6},
	{"srv_asyncio1", 64, 2.2, 0.6},
	{"srv_asyncio2", 64, 2.2, 3.5},
	{"srv_legacy1", 64, 3.2, 4.5},
	{"srv_legacy2", 64, 2.2, 0.6},
}

// Every server of the chapter has limits.
func TestCosts(t *testing.T) {
	var limited []string
	for _, cost := range costs {
		limited = append(limited, cost.server)
	}
	if !slices.Equal(limited, zenbench.Servers) {
		t.Errorf("there are costs for %v, but the servers are %v", limited, zenbench.Servers)
	}
}

// questions is how many questions a server gets while strace counts its system
// calls. Without -all, a test asks fewer.
const questions = 6400

func TestSystemCalls(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("strace is not installed")
	}
	if progtest.Race {
		t.Skip("the race detector only slows this test down")
	}
	questions := progtest.Count(questions/4, questions)
	for _, cost := range costs {
		t.Run(cost.server, func(t *testing.T) {
			t.Parallel()
			calls, table, err := zenload.SystemCalls(progtest.Bin(), cost.server, cost.clients, questions)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%.2f system calls for a question", calls)
			// Each client also costs some calls as it comes and leaves. With many
			// questions, these calls hardly matter.
			most := cost.calls
			if !progtest.All() {
				most += 6 * float64(cost.clients) / float64(questions)
			}
			if calls > most {
				t.Errorf("%.2f system calls for a question, want at most %.2f:\n%s", calls, most, table)
			}
		})
	}
}

// A thousand clients are connected at the same time, or ten thousand with -all.
// Each gets an answer. When all have got their first answer, each gets a second
// one.
func TestThousandsOfClients(t *testing.T) {
	n := progtest.Count(1000, 10_000)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Max < uint64(n)+100 {
		t.Skipf("%d descriptors are not enough", limit.Max)
	}
	if progtest.Race {
		n = 1000 // the race detector makes everything cost ten times as much
	}
	for _, cost := range costs {
		if cost.idle == 0 {
			continue
		}
		// Not in parallel, because each of these tests uses the whole machine.
		t.Run(cost.server, func(t *testing.T) {
			server := progtest.MustStart(t, cost.server, "127.0.0.1", "-p", "0")
			before := resident(t, server)
			clients := connect(t, server, n)
			askInTurn(t, clients, 1)
			idle := (resident(t, server) - before) / float64(n)
			askInTurn(t, clients, 1)
			t.Logf("%.2f KiB for a client", idle)
			most := cost.idle
			if !progtest.All() {
				most += 256 / float64(n) // what the server needs once; ten thousand clients hide it
			}
			if idle > most && !progtest.Race {
				t.Errorf("%.2f KiB for a client, want at most %.2f", idle, most)
			}
			if err := server.Stop(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
		})
	}
}

// connect opens n connections, which are closed when the test ends.
func connect(t *testing.T, server *progtest.Server, n int) []net.Conn {
	var clients []net.Conn
	for range n {
		conn, err := net.Dial("tcp", "127.0.0.1:"+server.Port)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, conn)
	}
	t.Cleanup(func() {
		for _, conn := range clients {
			conn.Close()
		}
	})
	return clients
}

// askInTurn sends a question from each client, and then receives each client's
// answer. It repeats this rounds times.
func askInTurn(t *testing.T, clients []net.Conn, rounds int) {
	question, answer := []byte("Simple is better than?"), []byte("Complex.")
	heard := make([]byte, len(answer))
	for range rounds {
		for _, conn := range clients {
			if _, err := conn.Write(question); err != nil {
				t.Error(err)
				return
			}
		}
		for i, conn := range clients {
			conn.SetReadDeadline(time.Now().Add(progtest.Patience))
			if _, err := io.ReadFull(conn, heard); err != nil || !bytes.Equal(heard, answer) {
				t.Errorf("client %d received %q, %v, want %q", i, heard, err, answer)
				return
			}
		}
	}
}

// resident returns how much memory a server uses, in KiB.
func resident(t *testing.T, server *progtest.Server) float64 {
	bytes, err := kernel.Resident(server.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return float64(bytes) / 1024
}
