//go:build linux

package tincanchat_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/natsd"
	"fopnp/internal/check/progtest"
)

// startChat starts a chat server that waits for each confirmation as long as
// patience says.
func startChat(t *testing.T, url, patience string) *progtest.Server {
	t.Helper()
	return progtest.MustStart(t, "chat_server_nats", "127.0.0.1", "-p", "0", "-n", url, "-a", patience)
}

// A time of -a that makes no sense is a usage error, like any other.
func TestWrongPatience(t *testing.T) {
	t.Parallel()
	conform.Run(t, chatServer("chat_server_nats"), []conform.Check{
		conform.WrongCall("no patience", "-a", "0"),
		conform.WrongCall("too much patience", "-a", "61"),
	})
}

// The chat server also reports a NATS server that accepts the connection and is
// silent. It does not announce its port first.
func TestSilentNATS(t *testing.T) {
	t.Parallel()
	silent, port := progtest.Listen(t)
	defer silent.Close()
	url := "nats://127.0.0.1:" + port
	ctx, cancel := context.WithTimeout(context.Background(), progtest.Patience)
	defer cancel()
	server := exec.CommandContext(ctx, filepath.Join(progtest.Bin(), "chat_server_nats"), "127.0.0.1", "-p", "0", "-n", url)
	out, err := server.CombinedOutput()
	want := "chat_server_nats: connect to NATS at " + url + ": timed out\n"
	if string(out) != want || server.ProcessState.ExitCode() != 1 {
		t.Errorf("%v, it printed %q, want %q and status 1", err, out, want)
	}
}

// hears checks what a member hears next.
func (m *member) hears(t *testing.T, want string) {
	t.Helper()
	if got, err := m.receive(); got != want || err != nil {
		t.Fatalf("client %d heard %q, %v, want %q", m.number, got, err, want)
	}
}

// The clients of both servers hear both authors in one order. A client that
// joins late does not hear what was said before, not even at a new server.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	url := progtest.StartNATS(t, natsd.Config{}).NewURL()
	a := join(t, startChat(t, url, "5"), 0)
	a.say("is anyone there?")
	a.hears(t, a.author+"is anyone there?")
	b := join(t, startChat(t, url, "5"), 1) // it hears its own message first
	a.hears(t, b.author+"hello")
	for range 20 {
		a.say("one", "two")
		b.say("three", "four")
		var heard []string
		for range 4 {
			line, err := a.receive()
			if err != nil {
				t.Fatal(err)
			}
			b.hears(t, line)
			heard = append(heard, line)
		}
		for _, m := range [][]string{{a.author + "one", a.author + "two"}, {b.author + "three", b.author + "four"}} {
			if slices.Index(heard, m[0]) >= slices.Index(heard, m[1]) {
				t.Fatalf("they heard %q", heard)
			}
		}
	}
}

// A message that NATS confirms too late is heard all the same, once, although
// the server has sent it twice.
func TestConfirmedLate(t *testing.T) {
	t.Parallel()
	nats := progtest.StartNATS(t, natsd.Config{})
	a := join(t, startChat(t, nats.NewURL(), "1.5"), 0)
	if err := nats.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := regexp.MustCompile(`(?m)^State:\s+T`)
	progtest.Until(t, "NATS has stopped", func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", nats.Pid))
		return err == nil && stopped.Match(status)
	})
	a.say("hurry", "please")
	a.hears(t, notice+"hurry")
	a.hears(t, notice+"please")
	if err := nats.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	a.hears(t, a.author+"hurry")
	a.hears(t, a.author+"please")
	a.say("at last")
	a.hears(t, a.author+"at last")
}

// The stream is in memory. If NATS loses it, the chat goes on in a new one, and
// misses nothing that is said there.
func TestStreamLost(t *testing.T) {
	t.Parallel()
	port, release, err := progtest.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	nats := progtest.StartNATS(t, natsd.Config{Port: port})
	url := nats.NewURL()
	var members []*member
	for i := range 2 {
		members = append(members, join(t, startChat(t, url, "0.2"), i))
	}
	a, b := members[0], members[1]
	a.hears(t, b.author+"hello")
	for n := range 10 { // so the new stream has smaller numbers
		text := fmt.Sprint("message ", n)
		a.say(text)
		for _, m := range members {
			m.hears(t, a.author+text)
		}
	}
	nats.Kill()
	for _, m := range members {
		m.say("lost")
		m.hears(t, notice+"lost")
	}
	progtest.StartNATS(t, natsd.Config{Port: port})
	c := join(t, startChat(t, url, "5"), 2)
	for _, m := range members { // as soon as their servers have found the new stream
		m.hears(t, c.author+"hello")
	}
	c.say("is anyone there?")
	for _, m := range append(members, c) {
		m.hears(t, c.author+"is anyone there?")
	}
}
