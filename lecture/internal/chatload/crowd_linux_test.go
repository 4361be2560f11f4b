package chatload

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"fopnp/internal/py/pyfmt"
)

// A room is a chat server. It passes on what change makes of each message, for
// each client.
type room struct {
	mu      sync.Mutex
	clients []net.Conn
	count   int
	change  func(client, count int, message string) string
}

// serve starts a room and returns its port. Clients are in the room when the
// function accepted returns.
func serve(t *testing.T, change func(client, count int, message string) string) (port int, accepted func(string) error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	r := &room{change: change}
	in := make(chan string, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.clients = append(r.clients, conn)
			r.mu.Unlock()
			in <- pyfmt.Addr(conn.RemoteAddr())
			go r.serve(conn)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port, func(client string) error {
		for name := range in {
			if name == client {
				break
			}
		}
		return nil
	}
}

func (r *room) serve(conn net.Conn) {
	defer conn.Close()
	messages := bufio.NewReader(conn)
	for {
		text, err := messages.ReadString(0)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.count++
		for i, c := range r.clients {
			c.Write([]byte(r.change(i, r.count, pyfmt.Addr(conn.RemoteAddr())+": "+text)))
		}
		r.mu.Unlock()
	}
}

// talk lets five clients gather and two of them speak, until twenty messages have
// arrived. With a wrong change, it must return an error.
func talk(t *testing.T, change func(client, count int, message string) string) (*crowd, error) {
	c, err := newCrowd(serve(t, change))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	c.patience = 500 * time.Millisecond // an error is expected
	if err := c.gather(5); err != nil {
		return c, err
	}
	c.forget()
	return c, c.talk(c.clients[:2], 64, func() bool { return c.arrived >= 20 })
}

func right(_, _ int, message string) string { return message }

func TestCrowd(t *testing.T) {
	t.Parallel()
	c, err := newCrowd(serve(t, right))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, clients := range []int{1, 5, 100} {
		if err := c.gather(clients); err != nil {
			t.Fatal(err)
		}
		c.forget()
		before, err := c.segments()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.talk(c.clients[:min(3, clients)], 64, func() bool { return c.arrived >= 20 }); err != nil {
			t.Fatal(err)
		}
		if c.arrived < 20 || c.deliveries != c.arrived*clients || c.latency.TotalCount() != int64(c.arrived) {
			t.Errorf("%d clients: %d messages arrived, %d deliveries, %d times",
				clients, c.arrived, c.deliveries, c.latency.TotalCount())
		}
		// At most three messages are under way. The kernel also counts
		// duplicate segments.
		if after, err := c.segments(); err != nil || 3*(after-before) < c.deliveries {
			t.Errorf("%d clients: %d deliveries in %d segments (%v)", clients, c.deliveries, after-before, err)
		}
	}
}

// A crowd notices that a client does not hear what it should.
func TestCrowdNotices(t *testing.T) {
	t.Parallel()
	held := ""
	for name, change := range map[string]func(client, count int, message string) string{
		"another text": func(_, _ int, message string) string {
			return strings.Replace(message, "...", ".,.", 1)
		},
		"another text, to one client": func(client, count int, message string) string {
			if client == 3 && count > 10 {
				return strings.Replace(message, "...", ".,.", 1)
			}
			return message
		},
		"another author": func(_, count int, message string) string {
			if count > 10 {
				return strings.Replace(message, "', ", "', 1", 1)
			}
			return message
		},
		"no author": func(_, _ int, message string) string { return "\x00" + message },
		"twice": func(_, count int, message string) string {
			if count == 10 {
				return message + message
			}
			return message
		},
		"lost": func(client, count int, message string) string {
			if client == 4 && count == 10 {
				return ""
			}
			return message
		},
		"lost by all": func(_, count int, message string) string {
			if count == 10 {
				return ""
			}
			return message
		},
		"another order": func(client, count int, message string) string {
			if client == 2 && count == 10 {
				held = message
				return ""
			}
			if client == 2 && count == 11 {
				return message + held
			}
			return message
		},
		"no end": func(_, _ int, message string) string { return strings.TrimSuffix(message, "\x00") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c, err := talk(t, change); err == nil {
				t.Errorf("%d messages arrived, and no error", c.arrived)
			} else {
				t.Log(err)
			}
		})
	}
}
