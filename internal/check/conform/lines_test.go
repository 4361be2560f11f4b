//go:build unix

package conform

import (
	"os/exec"
	"testing"

	"fopnp/internal/check/progtest"
)

// A conversation has one line about a fault at most, before the line that ends
// it. A later conversation may have the same address, and a fault, too.
func TestFaultBeforeEnd(t *testing.T) {
	const (
		ready = "Listening at ('127.0.0.1', 1)\n"
		begin = "Connection from ('127.0.0.1', 2)\n"
		fault = "server: client ('127.0.0.1', 2): timed out\n"
		end   = "Client ('127.0.0.1', 2) disconnected\n"
	)
	for text, want := range map[string]bool{
		begin + fault + end:                       true,
		begin + end + begin + fault + end:         true,
		begin + fault + end + begin + fault + end: true,
		begin + begin + fault + end + fault + end: true, // it accepts faster than it notices the end
		begin + end + fault:                       false,
		begin + fault + end + fault:               false,
		begin + fault + fault + end:               false,
		begin + fault + end + begin + end + fault: false,
	} {
		process, err := progtest.Launch(exec.Command("printf", "%s", ready+text))
		if err != nil {
			t.Fatal(err)
		}
		if err := process.Wait(); err != nil {
			t.Fatal(err)
		}
		process.Port = "1"
		trial := &Trial{host: "127.0.0.1", process: process, Server: Server{Name: "server", Lines: Lines{
			Accepted: "Connection from ADDR", Closed: "Client ADDR disconnected", ClosedToo: true,
			Error: "server: client ADDR: WHY",
		}}}
		if trial.examine(); (trial.err == nil) != want {
			t.Errorf("%s: %v, want it to be right: %v", text, trial.err, want)
		}
	}
}

// Two conversations from one address are counted as such, however a server
// prints the address.
func TestClientOf(t *testing.T) {
	for line, want := range map[string]string{
		"Accepted connection from ('127.0.0.1', 36126)":           "('127.0.0.1', 36126)",
		"Client (127.0.0.1, 36126) connected":                     "('127.0.0.1', 36126)",
		"Client (::1, 36126) connected":                           "('::1', 36126, 0, 0)",
		"server: client ('::1', 36126, 0, 0): received b'(1, 2)'": "('::1', 36126, 0, 0)",
		"Chat server started on port 9009":                        "",
		"a pair (1, 2)":                                           "",
	} {
		if got := clientOf(line); got != want {
			t.Errorf("%q is about %q, want %q", line, got, want)
		}
	}
}
