//go:build unix

package asyncore

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fopnp/internal/py/socket"
)

// A recorder is a Handler that records its calls. It answers each message with
// the same text and an exclamation mark, and closes the connection after
// "last". When the connection ends, it stops the loop.
type recorder struct {
	*AsyncChat
	loop  *Loop
	data  string
	calls []string
}

func (r *recorder) CollectIncomingData(data []byte) {
	r.data += string(data)
	r.calls = append(r.calls, "collect "+string(data))
}

func (r *recorder) FoundTerminator() {
	r.calls = append(r.calls, "found")
	r.Push(r.data + "!")
	if r.data == "last" {
		r.CloseWhenDone()
	}
	r.data = ""
}

func (r *recorder) HandleClose() {
	r.calls = append(r.calls, "close")
	r.loop.loop.Stop()
}

func (r *recorder) HandleError(err error) {
	r.calls = append(r.calls, fmt.Sprint("error ", err))
	r.loop.loop.Stop()
}

// serve runs a loop for one client and returns the calls that its handler got.
func serve(t *testing.T, client func(*net.TCPConn)) []string {
	loop := NewLoop()
	listener, err := socket.Listen(socket.Address{Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var handler *recorder
	loop.Dispatch(listener, func(chat *AsyncChat) Handler {
		chat.SetTerminator('?')
		handler = &recorder{AsyncChat: chat, loop: loop}
		return handler
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		client(conn.(*net.TCPConn))
	}()
	if err := loop.Run(); err != nil {
		t.Error(err)
	}
	<-done
	return handler.calls
}

// hear reads the next bytes, which must be want.
func hear(t *testing.T, conn net.Conn, want string) {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Errorf("heard %q, %v, want %q", got, err, want)
	}
}

func TestTerminator(t *testing.T) {
	for _, test := range []struct {
		name, sent, heard string
		calls             []string
	}{
		{"one", "why?", "why!", []string{"collect why", "found", "close"}},
		{"two", "why?how?", "why!how!", []string{"collect why", "found", "collect how", "found", "close"}},
		{"one and a half", "why?ho", "why!", []string{"collect why", "found", "collect ho", "close"}},
		{"only a terminator", "?", "!", []string{"collect ", "found", "close"}},
		{"closed after the first", "last?more?", "last!", []string{"collect last", "found", "collect more", "found", "close"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := serve(t, func(conn *net.TCPConn) {
				io.WriteString(conn, test.sent)
				hear(t, conn, test.heard)
				conn.CloseWrite()
				if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
					t.Errorf("after the last answer: heard %q, %v", rest, err)
				}
			})
			if diff := cmp.Diff(test.calls, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// A handler collects a message in the pieces in which it arrives.
func TestPieces(t *testing.T) {
	calls := serve(t, func(conn *net.TCPConn) {
		io.WriteString(conn, "one?t")
		hear(t, conn, "one!")
		io.WriteString(conn, "wo?")
		hear(t, conn, "two!")
		conn.CloseWrite()
	})
	want := []string{"collect one", "found", "collect t", "collect wo", "found", "close"}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestError(t *testing.T) {
	calls := serve(t, func(conn *net.TCPConn) {
		io.WriteString(conn, "one?")
		hear(t, conn, "one!")
		conn.SetLinger(0)
		conn.Close()
	})
	want := []string{"collect one", "found", "error connection reset by peer"}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
