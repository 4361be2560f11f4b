//go:build unix || windows

package script

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"fopnp/internal/check/progtest"
)

// The clients of a script are connections of the test itself. They do what no
// client program does, such as stay and wait, or send half a message.
//
//	connect NAME...    clients connect to 127.0.0.1:$PORT, one after the other;
//	                   $NAME is then the port of each
//	say NAME TEXT [N]  a client sends TEXT, or N times TEXT, in one segment
//	taken NAME         wait until the server has read all that a client has sent
//	                   (Linux)
//	hear NAME TEXT [N] wait until a client has received TEXT, or N times TEXT,
//	                   and nothing else, since the last hear
//	leave NAME...      clients hang up
//	bereave PROGRAM NAME
//	                   kill the server's child that serves a client (Linux)
//	order              print the names of the clients to stdout, in one line, in
//	                   the order in which their answers since the last serve
//	                   began to arrive; what a hear waits for is one answer
//	crowd N            N more clients connect, and each asks and gets an answer
//	datagram TEXT [N]  send TEXT, or N times TEXT, to 127.0.0.1:$PORT in one
//	                   datagram
//	reply TEXT [N]     wait for the answer to the last datagram, which must be
//	                   TEXT, or N times TEXT
//
// TEXT may have Go's escapes, as in 'one line\r\n'. The clients hang up when
// their script ends.
type clients struct {
	mu      sync.Mutex
	changed sync.Cond // with mu: a client has received something
	named   map[string]*client
	order   []arrival // of what clients have received since serve
	udp     net.Conn  // the socket of the last datagram
}

type arrival struct {
	name string
	at   time.Time
}

type client struct {
	stream
	heard string // received since the last hear
	err   error  // why it receives no more
}

type clientsKey struct{}

// newClients prepares a script for its clients.
func newClients(env *testscript.Env) {
	c := &clients{named: map[string]*client{}}
	c.changed.L = &c.mu
	env.Values[clientsKey{}] = c
	env.Defer(func() {
		for _, client := range c.named {
			client.Close()
		}
		if c.udp != nil {
			c.udp.Close()
		}
	})
}

var clientCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"connect": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 99, "connect NAME...")
		for _, name := range args {
			ts.Check(clientsOf(ts).connect(name, ts.Getenv("PORT")))
			ts.Setenv(name, progtest.PortOf(clientOf(ts, name).LocalAddr()))
		}
	},
	"say": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2, 3, "say NAME TEXT [N]")
		_, err := fmt.Fprint(clientOf(ts, args[0]), repeated(ts, args[1:]))
		ts.Check(err)
	},
	"taken": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "taken NAME")
		ts.Check(progtest.Taken(clientOf(ts, args[0])))
	},
	"hear": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2, 3, "hear NAME TEXT [N]")
		ts.Check(clientsOf(ts).hear(clientOf(ts, args[0]), repeated(ts, args[1:])))
	},
	"leave": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 99, "leave NAME...")
		for _, name := range args {
			ts.Check(clientOf(ts, name).Close())
		}
	},
	"bereave": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2, 2, "bereave PROGRAM NAME")
		ts.Check(progtest.Bereave(named(ts, args[0]), clientOf(ts, args[1])))
	},
	"order": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 0, 0, "order")
		c := clientsOf(ts)
		c.mu.Lock()
		defer c.mu.Unlock()
		slices.SortFunc(c.order, func(a, b arrival) int { return a.at.Compare(b.at) })
		for i, a := range c.order {
			if i > 0 {
				fmt.Fprint(ts.Stdout(), " ")
			}
			fmt.Fprint(ts.Stdout(), a.name)
		}
		fmt.Fprintln(ts.Stdout())
	},
	"crowd": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "crowd N")
		n, err := strconv.Atoi(args[0])
		ts.Check(err)
		c := clientsOf(ts)
		for i := range n {
			name := fmt.Sprint("crowd", i)
			ts.Check(c.connect(name, ts.Getenv("PORT")))
			_, err := fmt.Fprint(c.named[name], "Simple is better than?")
			ts.Check(err)
			ts.Check(c.hear(c.named[name], "Complex."))
		}
	},
	"datagram": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 2, "datagram TEXT [N]")
		c := clientsOf(ts)
		if c.udp != nil {
			c.udp.Close()
		}
		var err error
		c.udp, err = net.Dial("udp", net.JoinHostPort("127.0.0.1", ts.Getenv("PORT")))
		ts.Check(err)
		_, err = fmt.Fprint(c.udp, repeated(ts, args))
		ts.Check(err)
	},
	"reply": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 2, "reply TEXT [N]")
		udp, buffer := clientsOf(ts).udp, make([]byte, 1<<16)
		ts.Check(udp.SetReadDeadline(time.Now().Add(progtest.Patience)))
		n, err := udp.Read(buffer)
		ts.Check(err)
		if want := repeated(ts, args); string(buffer[:n]) != want {
			ts.Fatalf("the reply is %q, want %q", buffer[:n], want)
		}
	},
}

// repeated returns the text that TEXT [N] stands for.
func repeated(ts *testscript.TestScript, args []string) string {
	text, err := strconv.Unquote(`"` + args[0] + `"`)
	ts.Check(err)
	if len(args) == 1 {
		return text
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	return strings.Repeat(text, n)
}

// forgetOrder starts a new order, for a new server.
func (c *clients) forgetOrder() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order = nil
}

func clientsOf(ts *testscript.TestScript) *clients {
	return ts.Value(clientsKey{}).(*clients)
}

func clientOf(ts *testscript.TestScript, name string) *client {
	client := clientsOf(ts).named[name]
	if client == nil {
		ts.Fatalf("%s has not connected", name)
	}
	return client
}

func (c *clients) connect(name, port string) error {
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	return c.add(name, conn.(stream))
}

// A stream is a *net.TCPConn or a *net.UnixConn.
type stream interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// add makes conn the client name.
func (c *clients) add(name string, conn stream) error {
	client := &client{stream: conn}
	c.named[name] = client
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := progtest.Stamp(tcp); err != nil {
			return err
		}
	}
	go c.listen(name, client)
	return nil
}

// receive reads what has arrived, and returns when it arrived. On Linux, the
// kernel says when, except for a Unix socket. Otherwise receive returns the
// current time.
func (c *client) receive(buffer []byte) (int, time.Time, error) {
	if tcp, ok := c.stream.(*net.TCPConn); ok {
		return progtest.Receive(tcp, buffer)
	}
	n, err := c.Read(buffer)
	return n, time.Now(), err
}

// listen records what a client receives, and when, until it receives no more.
func (c *clients) listen(name string, client *client) {
	buffer := make([]byte, 4096)
	for {
		n, at, err := client.receive(buffer)
		c.mu.Lock()
		if n > 0 && client.heard == "" {
			c.order = append(c.order, arrival{name, at})
		}
		client.heard += string(buffer[:n])
		client.err = err
		c.changed.Broadcast()
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// hear waits until a client has received as many bytes as text has. They must
// be text.
func (c *clients) hear(client *client, text string) error {
	tooLate := false
	defer time.AfterFunc(progtest.Patience, func() {
		c.mu.Lock()
		tooLate = true
		c.changed.Broadcast()
		c.mu.Unlock()
	}).Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(client.heard) < len(text) && client.err == nil && !tooLate {
		c.changed.Wait()
	}
	if client.heard != text {
		return fmt.Errorf("received %q (%v), want %q", client.heard, client.err, text)
	}
	client.heard = ""
	return nil
}
