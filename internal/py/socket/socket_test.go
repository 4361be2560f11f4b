package socket

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// The pause doubles from 5 ms to a second, and begins anew after a success.
func TestBackoff(t *testing.T) {
	var b Backoff
	for range 2 {
		for _, want := range []time.Duration{5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000} {
			if got := b.Failed("to fail", errors.New("on purpose")); got != want*time.Millisecond {
				t.Errorf("paused for %v, want %dms", got, want)
			}
		}
		b.Succeeded()
	}
}

func TestTick(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		0:                      time.Second,
		time.Microsecond:       time.Millisecond,
		400 * time.Millisecond: 100 * time.Millisecond,
		time.Minute:            time.Second,
	} {
		if got := Tick(timeout); got != want {
			t.Errorf("timeout %v: %v, want %v", timeout, got, want)
		}
	}
}

// A listener on port 0 knows its port, and shows its host as it was asked for.
func TestListen(t *testing.T) {
	for _, host := range []string{"", "localhost", "127.0.0.1"} {
		l, err := Listen(Address{Host: host})
		if err != nil {
			t.Fatal(err)
		}
		if l.Address.Host != host || l.Address.Port == 0 || l.Address.Port != l.Addr().(*net.TCPAddr).Port {
			t.Errorf("asked for %q, got %v", host, l.Address)
		}
		if s := l.Address.String(); !strings.HasPrefix(s, "('"+host+"', ") {
			t.Errorf("shows as %s", s)
		}
		conn, err := Connect(l.Address)
		if err != nil {
			t.Error(err)
		} else {
			conn.Close()
		}
		if _, err := Listen(l.Address); err == nil {
			t.Errorf("%v twice", l.Address)
		}
		l.Close()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
	}
}

// Who is at the other end of a conversation has the time for each message, to take
// it and to send it, and the error says what was not taken.
func TestConversation(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := Converse(ours, 10*time.Millisecond)
	defer c.Close()
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nobody sends, and Read returns %d, %v", n, err)
	}
	if err := c.SendAll([]byte("hello")); err == nil || err.Error() != "timed out before we sent b'hello'" {
		t.Errorf("nobody reads, and the error is %v", err)
	}
	c.timeout = 30 * time.Second
	c.StartClock()
	go theirs.Write([]byte("x"))
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("somebody sends, and Read returns %d, %v", n, err)
	}
}
