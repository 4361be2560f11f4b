package zen_utils

import (
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"fopnp/internal/py/socket"
)

func TestGetAnswer(t *testing.T) {
	for aphorism, want := range map[string]string{
		"Beautiful is better than?": "Ugly.",
		"Explicit is better than?":  "Implicit.",
		"Simple is better than?":    "Complex.",
		"Flat is better than?":      "Error: unknown aphorism.",
		"simple is better than?":    "Error: unknown aphorism.",
		"?":                         "Error: unknown aphorism.",
	} {
		if got := GetAnswer([]byte(aphorism)); got != want {
			t.Errorf("%s: got %s, want %s", aphorism, got, want)
		}
	}
}

// converse begins a conversation over TCP and returns the client's end of it.
// The server's lines go to the null device. The channel done is closed when the
// conversation is over.
func converse(t testing.TB) (client net.Conn, done chan struct{}) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err = net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	sock, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout, err = os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	done = make(chan struct{})
	go func() {
		HandleConversation(socket.Converse(sock), sock.RemoteAddr())
		close(done)
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
		os.Stdout.Close()
		os.Stdout = stdout
	})
	return client, done
}

// ask sends batch n times and reads the answers, which are size bytes long.
func ask(t testing.TB, client net.Conn, batch []byte, size, n int) {
	answers := make([]byte, size)
	for range n {
		if _, err := client.Write(batch); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, answers); err != nil {
			t.Fatal(err)
		}
	}
}

// Ten thousand questions on one connection cost no allocation each. The rest of
// the process allocates far less than once per hundred questions.
func TestConversationAllocatesNothing(t *testing.T) {
	client, _ := converse(t)
	ask(t, client, []byte("Simple is better than?"), len("Complex."), 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ask(t, client, []byte("Simple is better than?"), len("Complex."), 10_000)
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 100 {
		t.Errorf("%d allocations for 10,000 questions", n)
	}
}

func BenchmarkQuestion(b *testing.B) {
	client, _ := converse(b)
	b.ReportAllocs()
	b.ResetTimer()
	ask(b, client, []byte("Simple is better than?"), len("Complex."), b.N)
}

// Sixteen questions at a time: b.N counts the batches.
func BenchmarkPipelined16(b *testing.B) {
	client, _ := converse(b)
	batch := []byte(strings.Repeat("Simple is better than?", 16))
	b.ReportAllocs()
	b.ResetTimer()
	ask(b, client, batch, 16*len("Complex."), b.N)
}
