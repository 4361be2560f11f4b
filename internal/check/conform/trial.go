package conform

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// A Trial is one run of a server, for one check or more. Its first failure
// decides it. After that, no method waits for anything, so checks read as plain
// sequences of events. Several goroutines may call the methods of a Trial and
// of its clients.
type Trial struct {
	Server
	host    string
	process *progtest.Server
	gone    bool // the server has exited, as the check wanted
	killed  bool // the server had no time to print how its conversations ended

	mu      sync.Mutex
	err     error
	clients []*Client // including those that have left
}

func serving(check func(*Trial), args ...string) func(Server) error {
	return servingAt("127.0.0.1", check, args...)
}

// servingAt is serving for a server that listens at host.
func servingAt(host string, check func(*Trial), args ...string) func(Server) error {
	return func(s Server) error {
		t, err := start(s, host, args...)
		if err != nil {
			return err
		}
		check(t)
		return t.finish()
	}
}

func start(s Server, host string, args ...string) (*Trial, error) {
	process, err := progtest.Start(s.command(append([]string{host, "-p", "0"}, args...)...))
	if err != nil {
		return nil, err
	}
	process.Patience = s.wait()
	return &Trial{Server: s, host: host, process: process}, nil
}

// finish stops the server, if the check has not done so, and examines what it
// has printed. It returns the trial's error.
func (t *Trial) finish() error {
	defer t.kill()
	defer t.closeAll()
	if t.Failed() {
		return t.err
	}
	switch {
	case t.gone:
	case t.ServesOne && len(t.clients) > 0:
		t.closeAll()
		t.expectOwnExit()
	default:
		t.Signal(syscall.SIGTERM)
		t.ExpectExit(0)
	}
	if !t.Failed() {
		t.examine()
	}
	return t.err
}

// kill kills the server, if it still runs, and its children.
func (t *Trial) kill() {
	if t.Children {
		signalGroup(t.process.Pid, os.Kill)
	}
	t.process.Kill()
}

// closeAll closes the connections of all clients.
func (t *Trial) closeAll() {
	for _, c := range t.clients {
		c.conn.Close()
	}
}

// Fail fails the trial with an error, unless it has failed already.
func (t *Trial) Fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

// Failf is Fail with an error made by fmt.Errorf.
func (t *Trial) Failf(format string, args ...any) { t.Fail(fmt.Errorf(format, args...)) }

// Skip ends the trial of a check that cannot run on this machine.
func (t *Trial) Skip(why string) { t.Failf("%w: %s", ErrSkipped, why) }

// Failed reports whether the trial has failed or was skipped.
func (t *Trial) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil
}

// Pid returns the number of the process that was started.
func (t *Trial) Pid() int { return t.process.Pid }

// Output returns all that the server has printed so far.
func (t *Trial) Output() string { return t.process.Output() }

// LinesAbout returns the lines about the end of c's conversation that the server
// has printed so far.
func (t *Trial) LinesAbout(c *Client) []string {
	if c.addr == "" {
		return nil // it could not connect
	}
	return t.about(c.addr, t.Output())
}

// Signal sends the server a signal.
func (t *Trial) Signal(signal os.Signal) {
	if t.Failed() {
		return
	}
	send := t.process.Signal
	if t.Children {
		send = func(signal os.Signal) error { return signalGroup(t.process.Pid, signal) }
	}
	if err := send(signal); err != nil {
		t.Failf("send %v: %w", signal, err)
	}
}

// ExpectExit waits until the server exits, which it must do with one of the
// given statuses.
func (t *Trial) ExpectExit(statuses ...int) {
	if t.Failed() {
		return
	}
	t.gone = true
	err := t.process.Wait()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fail(err)
	}
	if !slices.Contains(statuses, got) {
		t.Failf("it exited with status %d, want %v; it printed:\n%s", got, statuses, t.Output())
	}
}

// expectOwnExit waits until a server that has served its one client exits. The
// status must say whether the server has reported a fault.
func (t *Trial) expectOwnExit() {
	t.ExpectExit(0, 1)
	status := 0
	if t.Error != "" && regexp.MustCompile(`(?m)^`+expression(t.Error)+`\n`).MatchString(t.Output()) {
		status = 1
	}
	t.ExpectExit(status)
}

// ExpectKilled is ExpectExit for a server that has no time to print how its
// conversations ended.
func (t *Trial) ExpectKilled(statuses ...int) {
	t.killed = true
	t.ExpectExit(statuses...)
}

// WaitFor waits until what the server has printed matches a regular expression.
func (t *Trial) WaitFor(expression string) {
	if t.Failed() {
		return
	}
	if _, err := t.process.WaitFor(regexp.MustCompile(expression)); err != nil {
		t.Fail(err)
	}
}

// AwaitLine waits until the server has printed a line.
func (t *Trial) AwaitLine(line string) {
	if t.Failed() {
		return
	}
	line += "\n"
	err := t.process.WaitUntil(fmt.Sprintf("%q", line), func(output string) bool {
		return strings.HasPrefix(output, line) || strings.Contains(output, "\n"+line)
	})
	if err != nil {
		t.Fail(err)
	}
}

// Deadline returns when a check must give up if it begins to wait now for
// something that must happen.
func (t *Trial) Deadline() time.Time { return time.Now().Add(t.wait()) }

// Until calls isTrue every 2 ms until it returns true. It is for events that
// nothing announces.
func (t *Trial) Until(what string, isTrue func() bool) {
	patience := time.After(t.wait())
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !t.Failed() && !isTrue() {
		select {
		case <-tick.C:
		case <-patience:
			t.Failf("gave up waiting until %s", what)
		}
	}
}

// ExpectRefused waits until the server's kernel refuses new connections.
func (t *Trial) ExpectRefused() {
	t.Until("the server refuses new clients", func() bool {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", t.process.Port), t.wait())
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}

// Connect opens a connection to the server.
func (t *Trial) Connect() *Client { return t.connectTo("127.0.0.1", nil) }

// ConnectTo opens a connection to the server at one of the addresses of
// Loopbacks.
func (t *Trial) ConnectTo(host string) *Client { return t.connectTo(host, nil) }

// ConnectNarrow opens a connection with small buffers, so a server that sends to a
// client that does not read is soon stuck.
func (t *Trial) ConnectNarrow() *Client { return t.connectTo("127.0.0.1", narrow) }

// Narrow makes the kernel's buffers small for the clients that the server will
// accept, where the system allows it.
func (t *Trial) Narrow() {
	if err := progtest.Narrow(t.process); err != nil {
		t.Fail(err)
	}
}

// connectTo opens a connection. If prepare is not nil, it prepares the socket.
func (t *Trial) connectTo(host string, prepare func(network, address string, c syscall.RawConn) error) *Client {
	if t.Failed() {
		return newClient(t, new(net.TCPConn))
	}
	began := time.Now()
	dialer := net.Dialer{Timeout: t.wait(), Control: prepare}
	conn, err := dialer.Dial("tcp", net.JoinHostPort(host, t.process.Port))
	if err != nil {
		t.Failf("connect: %w", err)
		return newClient(t, new(net.TCPConn))
	}
	c := newClient(t, conn.(*net.TCPConn))
	c.addr, c.Began = pyfmt.Addr(conn.LocalAddr()), began
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clients = append(t.clients, c)
	return c
}

// Beside returns a check that commits a fault while the conversation of another
// client is open. That conversation must go on as if nothing had happened. If
// the server serves one client at a time, or answers a client once, it must
// serve the next client, unless it serves only one and exits.
func Beside(fault func(*Trial)) func(*Trial) {
	return func(t *Trial) {
		if t.AtOnce == 1 || t.Once {
			fault(t)
			if !t.ServesOne {
				t.Connect().Exchange()
			}
			return
		}
		bystander := t.Connect()
		bystander.Exchange()
		fault(t)
		bystander.Exchange()
	}
}
