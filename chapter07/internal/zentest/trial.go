package zentest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// A trial is the run of one server, for one check or more. The first failure decides
// it: after that nothing is waited for any more, so that checks read as plain
// sequences of events. Its methods and those of its clients may be called from
// several goroutines.
type trial struct {
	Server
	host   string
	server *progtest.Server
	gone   bool // the server has exited, as the check wanted it to
	killed bool // the server had no time to say how its conversations ended

	mu      sync.Mutex
	err     error
	clients []*client // all that there were
}

// sharing is a check that needs no server of its own.
func sharing(name string, check func(*trial)) Check {
	return Check{name, serving(check), check}
}

// alone is a check with a server of its own that listens at 127.0.0.1 and was
// given the options args. It starts the server, lets check play the clients,
// and stops it.
func alone(name string, check func(*trial), args ...string) Check {
	return Check{Name: name, Run: serving(check, args...)}
}

func serving(check func(*trial), args ...string) func(Server) error {
	return servingAt("127.0.0.1", check, args...)
}

// servingAt is serving with the server's host.
func servingAt(host string, check func(*trial), args ...string) func(Server) error {
	return func(s Server) error {
		t, err := start(s, host, args...)
		if err != nil {
			return err
		}
		check(t)
		return t.finish()
	}
}

func start(s Server, host string, args ...string) (*trial, error) {
	server, err := progtest.Start(s.command(append([]string{host, "-p", "0"}, args...)...))
	if err != nil {
		return nil, err
	}
	server.Patience = s.wait()
	return &trial{Server: s, host: host, server: server}, nil
}

// finish stops the server, if the check has not done so, and looks at what it
// has printed. It returns the trial's error.
func (t *trial) finish() error {
	defer t.server.Kill()
	defer t.hangUp()
	if t.failed() {
		return t.err
	}
	if !t.gone {
		t.signal(syscall.SIGTERM)
		t.exits(0)
	}
	if !t.failed() {
		t.examine()
	}
	return t.err
}

// hangUp closes the connections of all clients.
func (t *trial) hangUp() {
	for _, c := range t.clients {
		c.conn.Close()
	}
}

func (t *trial) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

func (t *trial) failf(format string, args ...any) { t.fail(fmt.Errorf(format, args...)) }

func (t *trial) skip(why string) { t.failf("%w: %s", errSkipped, why) }

func (t *trial) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil
}

// signal sends the server a signal.
func (t *trial) signal(signal os.Signal) {
	if t.failed() {
		return
	}
	if err := t.server.Signal(signal); err != nil {
		t.failf("to send %v: %w", signal, err)
	}
}

// exits waits until the server exits, which it must do with one of the given
// statuses.
func (t *trial) exits(statuses ...int) {
	if t.failed() {
		return
	}
	t.gone = true
	err := t.server.Wait()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.fail(err)
	}
	for _, status := range statuses {
		if got == status {
			return
		}
	}
	t.failf("it exited with status %d, want %v; it printed:\n%s", got, statuses, t.server.Output())
}

// A client is one of those that a check plays.
type client struct {
	*trial
	conn *net.TCPConn
	addr string // as the server prints it
	said int    // bytes

	isOver bool   // how its conversation ended is known
	ending string // the server's line about that, or none
}

// loopbacks are the addresses of this machine, in each family that it has.
func loopbacks() []string {
	hosts := []string{"127.0.0.1"}
	if listener, err := net.Listen("tcp", "[::1]:0"); err == nil {
		listener.Close()
		hosts = append(hosts, "::1")
	}
	return hosts
}

// connect opens a connection to the server.
func (t *trial) connect() *client { return t.connectTo("127.0.0.1", nil) }

// connectNarrow opens a connection by which little can be on its way to the
// client, so that one who does not read is soon noticed.
func (t *trial) connectNarrow() *client { return t.connectTo("127.0.0.1", narrow) }

// connectTo opens a connection on a socket that prepare, if it is not nil, has
// prepared.
func (t *trial) connectTo(host string, prepare func(network, address string, c syscall.RawConn) error) *client {
	c := &client{trial: t, conn: new(net.TCPConn)}
	if t.failed() {
		return c
	}
	dialer := net.Dialer{Timeout: t.wait(), Control: prepare}
	conn, err := dialer.Dial("tcp", net.JoinHostPort(host, t.server.Port))
	if err != nil {
		t.failf("to connect: %w", err)
		return c
	}
	c.conn = conn.(*net.TCPConn)
	c.addr = pyfmt.Addr(conn.LocalAddr())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clients = append(t.clients, c)
	return c
}

// say sends text in one write.
func (c *client) say(text string) {
	if c.failed() {
		return
	}
	if _, err := c.send(text); err != nil {
		c.failf("%s sends %q: %w", c.addr, short(text), err)
	}
}

// send is say where it is no failure that the server hangs up.
func (c *client) send(text string) (int, error) {
	c.conn.SetWriteDeadline(time.Now().Add(c.wait()))
	n, err := io.WriteString(c.conn, text)
	c.said += n
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.failf("%s could not send %q: the server neither reads nor hangs up", c.addr, short(text))
	}
	return n, err
}

// receive fills buffer.
func (c *client) receive(buffer []byte) (int, error) {
	c.conn.SetReadDeadline(time.Now().Add(c.wait()))
	return io.ReadFull(c.conn, buffer)
}

// hear receives text, and fails if anything else comes.
func (c *client) hear(text string) {
	if c.failed() {
		return
	}
	got := make([]byte, len(text))
	n, err := c.receive(got)
	if err != nil || string(got) != text {
		c.failf("%s heard %q (%v), want %q", c.addr, short(string(got[:n])), err, short(text))
	}
}

// over wants the server to have hung up and nothing more to come.
func (c *client) over() {
	if rest, err := c.rest(); rest != "" || err != nil {
		c.failf("%s heard %q (%v), want the end", c.addr, short(rest), err)
	}
}

// cutOff is over, but for conversations that end while the client sends: that
// the server has hung up can then show as a reset too.
func (c *client) cutOff() {
	rest, err := c.rest()
	if rest != "" || errors.Is(err, os.ErrDeadlineExceeded) {
		c.failf("%s heard %q (%v), want the end", c.addr, short(rest), err)
	}
}

// rest receives until the server hangs up.
func (c *client) rest() (string, error) {
	if c.failed() {
		return "", nil
	}
	c.conn.SetReadDeadline(time.Now().Add(c.wait()))
	rest, err := io.ReadAll(c.conn)
	return string(rest), err
}

// asks asks a question and is answered.
func (c *client) asks() {
	c.say("Simple is better than?")
	c.hear("Complex.")
}

// hangsUp closes the connection.
func (c *client) hangsUp() {
	if !c.failed() {
		c.conn.Close()
	}
}

// stopsAsking closes the client's direction of the connection.
func (c *client) stopsAsking() {
	if !c.failed() {
		c.conn.CloseWrite()
	}
}

// resets closes the connection as a crash would.
func (c *client) resets() {
	if !c.failed() {
		c.conn.SetLinger(0)
		c.conn.Close()
	}
}

// leaves hangs up between two questions, which is how all should end.
func (c *client) leaves() {
	c.hangsUp()
	c.ends(c.Closed)
}

// beside has a fault committed while another client's conversation is open,
// which must go on as if nothing had happened. If the server serves one at a
// time, the next client must be served.
func beside(fault func(*trial)) func(*trial) {
	return func(t *trial) {
		if t.AtOnce == 1 {
			fault(t)
			t.connect().asks()
			return
		}
		bystander := t.connect()
		bystander.asks()
		fault(t)
		bystander.asks()
	}
}

// short is the beginning of a long text.
func short(text string) string {
	if len(text) > 200 {
		return text[:200] + "..."
	}
	return text
}
