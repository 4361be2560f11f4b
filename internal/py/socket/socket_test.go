package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// The pause doubles from 5 ms up to a second, and starts at 5 ms again after a
// success.
func TestBackoff(t *testing.T) {
	var b Backoff
	for range 2 {
		for _, want := range []time.Duration{5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000} {
			if got := b.Failed("to fail", errors.New("on purpose")); got != want*time.Millisecond {
				t.Errorf("the pause is %v, want %v", got, want*time.Millisecond)
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
			t.Errorf("Tick(%v) = %v, want %v", timeout, got, want)
		}
	}
}

// A listener at port 0 knows its real port, and shows its host as asked for.
func TestListen(t *testing.T) {
	for _, host := range []string{"", "localhost", "127.0.0.1"} {
		l, err := Listen(Address{Host: host})
		if err != nil {
			t.Fatal(err)
		}
		if l.Address.Host != host || l.Address.Port == 0 || l.Address.Port != l.Addr().(*net.TCPAddr).Port {
			t.Errorf("asked for host %q, got %v", host, l.Address)
		}
		if s := l.Address.String(); !strings.HasPrefix(s, "('"+host+"', ") {
			t.Errorf("the address of host %q prints as %s", host, s)
		}
		conn, err := Connect(l.Address, 0)
		if err != nil {
			t.Error(err)
		} else {
			conn.Close()
		}
		if _, err := Listen(l.Address); err == nil {
			t.Errorf("two listeners opened at %v", l.Address)
		}
		l.Close()
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v, want %v", err, net.ErrClosed)
		}
	}
}

// Each client may take as long to come as Patience says, however late the last one
// came.
func TestPatience(t *testing.T) {
	crowd := &crowd{}
	l := &Listener{Listener: crowd, Patience: time.Hour}
	for range 3 {
		before := time.Now()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if d := crowd.deadline; d.Before(before.Add(time.Hour)) || d.After(time.Now().Add(time.Hour)) {
			t.Errorf("at %v, the deadline is %v", before, d)
		}
	}
}

// A crowd is a listener whose next client is always there.
type crowd struct {
	net.Listener
	deadline time.Time
}

func (c *crowd) SetDeadline(deadline time.Time) error {
	c.deadline = deadline
	return nil
}

func (c *crowd) Accept() (net.Conn, error) {
	client, server := net.Pipe()
	client.Close()
	return server, nil
}

// A peer has a limited time to receive and to send. The error quotes what was
// not sent.
func TestConversation(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := Converse(ours)
	defer c.Close()
	c.SetTimeout(10 * time.Millisecond)
	if data, err := c.Recv(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the peer is silent, and Recv returns %q, %v", data, err)
	}
	c.SetReadDeadline(time.Time{})
	c.SetTimeout(30 * time.Second)
	go theirs.Write([]byte("x"))
	if data, err := c.Recv(); string(data) != "x" || err != nil {
		t.Errorf("the peer sends, and Recv returns %q, %v", data, err)
	}
	c.SetDeadline(time.Time{})
	c.SetTimeout(10 * time.Millisecond)
	if err := c.SendAll([]byte("hello")); err == nil || err.Error() != "timed out before we sent b'hello'" {
		t.Errorf("the peer does not receive, and the error is %v", err)
	}
}

// The registry holds a conversation while it is open, in whatever order
// conversations close.
func TestRegistry(t *testing.T) {
	before := NumConversations()
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
		var open []*Conversation
		for range order {
			ours, theirs := net.Pipe()
			defer theirs.Close()
			open = append(open, Converse(ours))
		}
		for closed, i := range order {
			if n := NumConversations() - before; n != len(order)-closed {
				t.Errorf("closing %v: %d are open, want %d", order, n, len(order)-closed)
			}
			open[i].Close()
			open[i].Close() // must do no harm
		}
	}
	if n := NumConversations(); n != before {
		t.Errorf("%d conversations are still registered", n-before)
	}
}

// Close does not destroy what was sent, even if the peer has sent more than we
// have received, and goes on sending.
func TestCloseWithInputUnread(t *testing.T) {
	c, peer := connected(t)
	const more = 100_000
	if _, err := peer.Write(make([]byte, more)); err != nil {
		t.Fatal(err)
	}
	answer := strings.Repeat("x", more)
	if err := c.SendAll([]byte(answer)); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- c.Close() }()
	if _, err := peer.Write(make([]byte, more)); err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil { // only then does the peer read
		t.Error(err)
	}
	if got, err := io.ReadAll(peer); string(got) != answer || err != nil {
		t.Errorf("%d bytes arrived, or wrong ones, and %v, want %d bytes", len(got), err, more)
	}
}

// Release removes a conversation from the registry.
func TestRelease(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	before := NumConversations()
	c := Converse(ours)
	c.Release()
	if n := NumConversations(); n != before {
		t.Errorf("%d conversations are still registered", n-before)
	}
}

// Close stops reading after a megabyte, however fast the peer sends.
func TestCloseReadsNoMoreThanMaxLinger(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	sent := make(chan int)
	go func() {
		n := 0
		for piece, err := make([]byte, 4<<10), error(nil); err == nil; {
			var written int
			written, err = theirs.Write(piece)
			n += written
		}
		sent <- n
	}()
	c := Converse(halfClosed{ours})
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if n := <-sent; n < MaxLinger || n > MaxLinger+16<<10 {
		t.Errorf("Close read %d bytes, want about %d", n, MaxLinger)
	}
}

// halfClosed is a pipe whose sending side can be shut down.
type halfClosed struct{ net.Conn }

func (halfClosed) CloseWrite() error { return nil }
