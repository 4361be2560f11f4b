//go:build unix

package asyncio

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
)

// A recorder is a Protocol that records its calls. It calls begin when the
// connection is made, and reply with what it receives. When the connection is
// lost, it stops its loop.
type recorder struct {
	loop  *Loop
	reply func(t *Transport, data []byte)
	begin func(t *Transport)
	t     *Transport
	calls []string
}

func (r *recorder) ConnectionMade(t *Transport) {
	r.t = t
	r.calls = append(r.calls, "made")
	if r.begin != nil {
		r.begin(t)
	}
}

func (r *recorder) DataReceived(data []byte) {
	r.calls = append(r.calls, "received "+string(data))
	if r.reply != nil {
		r.reply(r.t, data)
	}
}

func (r *recorder) ConnectionLost(err error) {
	r.calls = append(r.calls, fmt.Sprint("lost ", err))
	r.loop.Stop()
}

// A controller is a recorder that also records the calls to pause and to
// resume.
type controller struct{ recorder }

func (c *controller) PauseWriting()  { c.calls = append(c.calls, "pause") }
func (c *controller) ResumeWriting() { c.calls = append(c.calls, "resume") }

// patience bounds each run of a loop, and each wait of its client.
const patience = 30 * time.Second

// serve runs a loop that makes a protocol for each connection, and one client
// against it, until the connection is lost. It does so with every kind of
// selector. The test fails if that takes longer than patience.
func serve(t *testing.T, protocol func(*Loop) Protocol, client func(*net.TCPConn)) {
	t.Helper()
	start(t, func(loop *Loop, listener *socket.Listener) {
		loop.CreateServer(func() Protocol { return protocol(loop) }, listener)
	}, client)
}

// start does what serve does, but accept tells the loop what to do with
// clients.
func start(t *testing.T, accept func(*Loop, *socket.Listener), client func(*net.TCPConn)) {
	t.Helper()
	for _, open := range []func() (selectors.Selector, error){selectors.NewPoll, selectors.Default} {
		loop := NewSelectorEventLoop(open())
		listener, err := socket.Listen(socket.Address{Host: "127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		conn.SetDeadline(time.Now().Add(patience))
		accept(loop, listener)
		ended, ran := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			client(conn.(*net.TCPConn))
		}()
		go func() {
			defer close(ran)
			if err := loop.RunForever(); err != nil {
				t.Error(err)
			}
		}()
		await(t, ran, "the loop still runs")
		await(t, ended, "the client has not ended")
		conn.Close()
	}
}

// await waits until a channel is closed. It fails the test if that takes longer
// than patience.
func await(t *testing.T, done <-chan struct{}, complaint string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal(complaint)
	}
}

func wantCalls(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// readToEnd reads until the peer closes its side, and then closes ours.
func readToEnd(conn net.Conn) ([]byte, error) {
	defer conn.Close()
	return io.ReadAll(conn)
}

// expect reads the next bytes, which must be want.
func expect(t *testing.T, conn net.Conn, want string) {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Errorf("read %q, %v, want %q", got, err, want)
	}
}

func TestCallbacks(t *testing.T) {
	t.Parallel()
	var r *recorder
	serve(t, func(loop *Loop) Protocol {
		r = &recorder{loop: loop, reply: func(t *Transport, data []byte) { t.Write(bytes.ToUpper(data)) }}
		return r
	}, func(conn *net.TCPConn) {
		io.WriteString(conn, "one")
		expect(t, conn, "ONE")
		io.WriteString(conn, "two")
		expect(t, conn, "TWO")
		conn.CloseWrite()
		if rest, err := readToEnd(conn); len(rest) > 0 || err != nil {
			t.Errorf("after the last answer: read %q, %v", rest, err)
		}
	})
	wantCalls(t, r.calls, "made", "received one", "received two", "lost <nil>")
}

// tooMuch writes until the kernel has no room left and as much again is unsent,
// and until a FlowController is paused. It returns all that it has written.
func tooMuch(write func([]byte), unsent func() int) (written []byte) {
	piece := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	for unsent() <= max(highWater, len(written)/2) {
		write(piece)
		written = append(written, piece...)
	}
	return written
}

// A transport sends everything that was written, whichever side closes first.
func TestWrittenIsSent(t *testing.T) {
	t.Parallel()
	for name, closes := range map[string]func(t *Transport){
		"server": func(t *Transport) { t.Close() },
		"client": func(t *Transport) {},
	} {
		t.Run(name, func(t *testing.T) {
			var r *recorder
			written := make(chan []byte, 1)
			serve(t, func(loop *Loop) Protocol {
				r = &recorder{loop: loop, begin: func(t *Transport) {
					written <- tooMuch(t.Write, func() int { return len(t.unsent) })
					closes(t)
				}}
				return r
			}, func(conn *net.TCPConn) {
				want := <-written
				conn.CloseWrite()
				if got, err := readToEnd(conn); !bytes.Equal(got, want) || err != nil {
					t.Errorf("read %d bytes of %d, or wrong ones, and %v", len(got), len(want), err)
				}
			})
			wantCalls(t, r.calls, "made", "lost <nil>")
		})
	}
}

func TestWriteAfterClose(t *testing.T) {
	t.Parallel()
	var r *recorder
	serve(t, func(loop *Loop) Protocol {
		r = &recorder{loop: loop, reply: func(t *Transport, data []byte) {
			t.Write([]byte("yes"))
			t.Close()
			t.Write([]byte("no"))
			t.Close()
		}}
		return r
	}, func(conn *net.TCPConn) {
		io.WriteString(conn, "?")
		if got, _ := readToEnd(conn); string(got) != "yes" {
			t.Errorf(`read %q, want "yes"`, got)
		}
	})
	wantCalls(t, r.calls, "made", "received ?", "lost <nil>")
}

// The loop tells a protocol once that the peer does not read, and once that it
// reads again.
func TestFlowControl(t *testing.T) {
	t.Parallel()
	var c *controller
	written := make(chan int, 1)
	serve(t, func(loop *Loop) Protocol {
		c = &controller{recorder{loop: loop, begin: func(t *Transport) {
			written <- len(tooMuch(t.Write, func() int { return len(t.unsent) }))
			t.Close()
		}}}
		return c
	}, func(conn *net.TCPConn) {
		want := <-written
		if n, err := io.Copy(io.Discard, conn); n != int64(want) {
			t.Errorf("read %d bytes of %d, %v", n, want, err)
		}
	})
	wantCalls(t, c.calls, "made", "pause", "resume", "lost <nil>")
}

func TestReset(t *testing.T) {
	t.Parallel()
	var r *recorder
	serve(t, func(loop *Loop) Protocol {
		r = &recorder{loop: loop, reply: func(t *Transport, data []byte) { t.Write(data) }}
		return r
	}, func(conn *net.TCPConn) {
		io.WriteString(conn, "?")
		expect(t, conn, "?")
		conn.SetLinger(0)
		conn.Close()
	})
	wantCalls(t, r.calls, "made", "received ?", "lost connection reset by peer")
}

// The error of a broken connection quotes what was not sent.
func TestUnsent(t *testing.T) {
	t.Parallel()
	var r *recorder
	serve(t, func(loop *Loop) Protocol {
		r = &recorder{loop: loop, begin: func(t *Transport) {
			t.SetTimeout(10 * time.Millisecond)
			question := bytes.Repeat([]byte("?"), 1<<16)
			for len(t.unsent) == 0 {
				t.Write(question)
			}
		}}
		return r
	}, func(conn *net.TCPConn) {}) // does not read
	if n := len(r.calls); n != 2 || !strings.HasPrefix(r.calls[1], "lost timed out before we sent b'????") {
		t.Errorf("%d calls, want 2; the last is %.100s", n, r.calls[n-1])
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	var r *recorder
	serve(t, func(loop *Loop) Protocol {
		r = &recorder{loop: loop, begin: func(t *Transport) { t.SetTimeout(10 * time.Millisecond) }}
		return r
	}, func(conn *net.TCPConn) {
		if got, err := readToEnd(conn); len(got) > 0 || err != nil {
			t.Errorf("read %q, %v, want nothing but the end", got, err)
		}
	})
	wantCalls(t, r.calls, "made", "lost timed out")
}

// A loop without a selector says so before it runs, too.
func TestErr(t *testing.T) {
	t.Parallel()
	loop := NewSelectorEventLoop(nil, socket.ErrUnsupported)
	if err := loop.Err(); err != socket.ErrUnsupported {
		t.Errorf("before it runs: %v", err)
	}
	if err := loop.RunForever(); err != socket.ErrUnsupported {
		t.Errorf("as it runs: %v", err)
	}
	if err := NewEventLoop().Err(); err != nil {
		t.Errorf("with a selector: %v", err)
	}
}

func TestCallLater(t *testing.T) {
	t.Parallel()
	loop := NewEventLoop()
	var calls []string
	note := func(name string) func() { return func() { calls = append(calls, name) } }
	loop.CallLater(3*time.Millisecond, note("third"))
	loop.CallLater(1*time.Millisecond, note("first"))
	loop.CallLater(2*time.Millisecond, note("second"))
	cancelled := loop.CallLater(3*time.Millisecond, note("cancelled"))
	loop.CallLater(3*time.Millisecond, note("fourth"))
	loop.CallLater(4*time.Millisecond, loop.Stop)
	cancelled.Cancel()
	cancelled.Cancel()
	loop.CallSoon(note("soon"))
	if err := loop.RunForever(); err != nil {
		t.Fatal(err)
	}
	// The place of soon among the timers depends on how late the loop is.
	soon := slices.Index(calls, "soon")
	if soon < 0 {
		t.Fatalf("soon was not called; these were: %q", calls)
	}
	wantCalls(t, slices.Delete(calls, soon, soon+1), "first", "second", "third", "fourth")
}

// A listener is a recorder that calls atEOF when the peer has closed its side,
// and keeps the connection. If atEOF is nil, the connection closes.
type listener struct {
	recorder
	atEOF func(t *Transport)
}

func (l *listener) EOFReceived() bool {
	l.calls = append(l.calls, "eof")
	if l.atEOF != nil {
		l.atEOF(l.t)
	}
	return l.atEOF != nil
}

// A peer that has closed its side still receives, if the protocol wants that.
// The loop does not call EOFReceived again, and does not spin.
func TestEOFReceived(t *testing.T) {
	t.Parallel()
	var l *listener
	serve(t, func(loop *Loop) Protocol {
		l = &listener{recorder: recorder{loop: loop}, atEOF: func(t *Transport) {
			loop.CallLater(20*time.Millisecond, func() { t.Write([]byte("late")) })
			loop.CallLater(40*time.Millisecond, t.Close)
		}}
		return l
	}, func(conn *net.TCPConn) {
		io.WriteString(conn, "last words")
		conn.CloseWrite()
		if got, err := readToEnd(conn); string(got) != "late" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
	wantCalls(t, l.calls, "made", "received last words", "eof", "lost <nil>")
}

// If EOFReceived returns false, the connection is closed.
func TestEOFReceivedAndClosed(t *testing.T) {
	t.Parallel()
	var l *listener
	serve(t, func(loop *Loop) Protocol {
		l = &listener{recorder: recorder{loop: loop}}
		return l
	}, func(conn *net.TCPConn) {
		conn.CloseWrite()
		readToEnd(conn)
	})
	wantCalls(t, l.calls, "made", "eof", "lost <nil>")
}

// A protocol with EOFReceived receives what its peer sent before it left, even
// if the protocol first fails to write.
func TestReceivesAfterFailedWrite(t *testing.T) {
	t.Parallel()
	var l *listener
	gone := make(chan bool, 1)
	serve(t, func(loop *Loop) Protocol {
		l = &listener{recorder: recorder{loop: loop, begin: func(t *Transport) {
			<-gone // blocks the loop, so it cannot receive yet
			for range 3 {
				t.Write([]byte("too late"))
			}
		}}}
		return l
	}, func(conn *net.TCPConn) {
		io.WriteString(conn, "last words")
		conn.SetLinger(0)
		conn.Close()
		gone <- true
	})
	wantCalls(t, l.calls, "made", "received last words", "lost connection reset by peer")
}

// If the peer receives nothing within the write timeout, the connection breaks.
// Silence alone does not break it.
func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	var r *recorder
	serve(t, func(loop *Loop) Protocol {
		r = &recorder{loop: loop, begin: func(t *Transport) {
			t.SetWriteTimeout(10 * time.Millisecond)
			loop.CallLater(50*time.Millisecond, func() {
				tooMuch(t.Write, t.WriteBufferSize)
			})
		}}
		return r
	}, func(conn *net.TCPConn) {}) // does not read
	if n := len(r.calls); n != 2 || !strings.HasPrefix(r.calls[1], "lost timed out before we sent b'0123") {
		t.Errorf("%d calls, want 2; the last is %.100s", n, r.calls[n-1])
	}
}

// After Abort, what was not sent is lost, and the peer receives end of file.
func TestAbort(t *testing.T) {
	t.Parallel()
	var r *recorder
	written := make(chan int, 1)
	serve(t, func(loop *Loop) Protocol {
		r = &recorder{loop: loop, begin: func(t *Transport) {
			n := len(tooMuch(t.Write, t.WriteBufferSize))
			t.Abort()
			written <- n
			if unsent := t.WriteBufferSize(); unsent != 0 {
				panic(unsent)
			}
		}}
		return r
	}, func(conn *net.TCPConn) {
		n := <-written
		if got, err := readToEnd(conn); len(got) >= n || err != nil {
			t.Errorf("read %d bytes of %d, %v", len(got), n, err)
		}
	})
	wantCalls(t, r.calls, "made", "lost <nil>")
}

// A coroutine is written as if Read blocked. Its connection closes when it
// returns.
func TestStream(t *testing.T) {
	t.Parallel()
	var got []string
	start(t, func(loop *Loop, listener *socket.Listener) {
		loop.StartServer(func(reader *StreamReader, writer *StreamWriter) {
			got = nil
			for range 2 {
				data, err := reader.Read()
				got = append(got, fmt.Sprintf("%s %v", data, err))
				writer.Write(bytes.ToUpper(data))
				writer.Drain()
			}
			loop.Stop()
		}, listener)
	}, func(conn *net.TCPConn) {
		for _, word := range []string{"one", "two"} {
			io.WriteString(conn, word)
			expect(t, conn, strings.ToUpper(word))
		}
		if rest, err := readToEnd(conn); len(rest) > 0 || err != nil {
			t.Errorf("after the last answer: read %q, %v", rest, err)
		}
	})
	wantCalls(t, got, "one <nil>", "two <nil>")
}

func TestStreamEnd(t *testing.T) {
	t.Parallel()
	var got string
	for _, end := range []struct {
		hangUp func(*net.TCPConn)
		want   string
	}{
		{func(conn *net.TCPConn) { conn.Close() }, "EOF"},
		{func(conn *net.TCPConn) { conn.SetLinger(0); conn.Close() }, "connection reset by peer"},
		{func(conn *net.TCPConn) { readToEnd(conn) }, "timed out"},
	} {
		start(t, func(loop *Loop, listener *socket.Listener) {
			loop.StartServer(func(reader *StreamReader, writer *StreamWriter) {
				writer.SetTimeout(200 * time.Millisecond)
				writer.Write([]byte("!"))
				_, err := reader.Read()
				got = fmt.Sprint(err)
				loop.Stop()
			}, listener)
		}, func(conn *net.TCPConn) {
			expect(t, conn, "!")
			end.hangUp(conn)
		})
		if got != end.want {
			t.Errorf("Read returned the error %s, want %s", got, end.want)
		}
	}
}

// Drain suspends the coroutine until the peer has read, and what arrives
// meanwhile is not lost.
func TestDrain(t *testing.T) {
	t.Parallel()
	var order []string
	written := make(chan int, 1)
	start(t, func(loop *Loop, listener *socket.Listener) {
		loop.StartServer(func(reader *StreamReader, writer *StreamWriter) {
			order = nil
			written <- len(tooMuch(writer.Write, func() int { return len(writer.transport.unsent) }))
			writer.Drain()
			order = append(order, "drained")
			data, _ := reader.Read()
			order = append(order, string(data))
			loop.Stop()
		}, listener)
	}, func(conn *net.TCPConn) {
		io.WriteString(conn, "word")
		want := <-written
		if n, err := io.Copy(io.Discard, conn); n != int64(want) {
			t.Errorf("read %d bytes of %d, %v", n, want, err)
		}
	})
	wantCalls(t, order, "drained", "word")
}

// After Close, the loop drains a megabyte from a peer that keeps sending, and
// then closes the connection.
func TestDrainsNoMoreThanMaxLinger(t *testing.T) {
	t.Parallel()
	var transport *Transport
	serve(t, func(loop *Loop) Protocol {
		return &recorder{loop: loop, begin: func(t *Transport) {
			transport = t
			t.Close()
		}}
	}, func(conn *net.TCPConn) {
		for piece, err := make([]byte, 64<<10), error(nil); err == nil; {
			_, err = conn.Write(piece)
		}
	})
	if n, most := transport.drained, socket.MaxLinger+len(transport.loop.buffer); n > most {
		t.Errorf("the loop drained %d bytes, want at most %d", n, most)
	}
}
