package chapter07

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// One of three servers dies, or is told to stop, while clients ask through the
// balancer. Only clients that were connected to it notice: a server that stops
// finishes an answer, but not a conversation. The other servers serve the
// clients that come later.
func TestBalancerLosesServer(t *testing.T) {
	for name, end := range map[string]func(*progtest.Server) error{
		"killed": func(s *progtest.Server) error {
			s.Kill()
			return nil
		},
		"stopped": func(s *progtest.Server) error { return s.Stop(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBalancer(t)
			crowd := b.gather(t)
			if err := end(b.servers["zen2"]); err != nil {
				t.Error(err)
			}
			crowd.isLate.Store(true)
			crowd.goOn(t)
			noticed := crowd.leave()
			if crowd.late > 0 {
				t.Errorf("%d clients that came after zen2 had gone noticed", crowd.late)
			}
			placed := b.placed(t, noticed)
			for client, err := range noticed {
				if !placed[client]["zen2"] {
					t.Errorf("client %s, which was not connected to zen2, noticed: %v", client, err)
				}
			}
			lost := 0
			for _, client := range crowd.first {
				if placed[client]["zen2"] {
					lost++
					if noticed[client] == nil {
						t.Errorf("client %s, which was connected to zen2, noticed nothing", client)
					}
				}
			}
			if lost == 0 {
				t.Errorf("no client was connected to zen2: %v", placed)
			}
		})
	}
}

// One of three servers is drained and then told to stop, while clients ask
// through the balancer. No client notices.
func TestBalancerDrainsServer(t *testing.T) {
	t.Parallel()
	b := startBalancer(t)
	crowd := b.gather(t)
	b.command(t, "set server servers/zen3 state drain")
	crowd.goOn(t) // also the clients that are connected to it
	if n := b.conversations(t, "zen3"); n == "0" {
		t.Error("no client was connected to zen3")
	}
	crowd.comeAgain.Add(1)
	progtest.Until(t, "the last client has left zen3", func() bool { return b.conversations(t, "zen3") == "0" })
	if err := b.servers["zen3"].Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	crowd.goOn(t)
	for client, err := range crowd.leave() {
		t.Errorf("client %s noticed: %v", client, err)
	}
}

// The page says what the client prints when its server is killed.
func TestBalancerClient(t *testing.T) {
	t.Parallel()
	b := startBalancer(t, "-d", "60")
	client := progtest.Perform(t, "", "client", "127.0.0.1", "-p", b.port, "-t", "0")
	var its []string
	err := b.haproxy.WaitUntil("where the client goes", func(output string) bool {
		its = goes.FindStringSubmatch(output)
		return its != nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.servers[its[2]].Kill()
	stderr, err := client.Ends()
	const want = `^client: no answer to b'\w+ is better than\?': socket closed\n$`
	if !regexp.MustCompile(want).MatchString(stderr) || client.Cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("the client printed %q and ended with %v; want %s and status 1", stderr, err, want)
	}
}

// A balancer is HAProxy with the configuration of the page, in front of the
// servers of the page, but all on other ports.
type balancer struct {
	haproxy *progtest.Server
	port    string
	control string // the path of its control socket
	servers map[string]*progtest.Server
}

// startBalancer starts a balancer whose servers get args. It skips the test if
// the system has no HAProxy.
func startBalancer(t *testing.T, args ...string) *balancer {
	t.Helper()
	needs(t, "haproxy")
	text, err := os.ReadFile("haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{port: port(t), servers: map[string]*progtest.Server{}}
	ports := []string{"127.0.0.1:1060", "127.0.0.1:" + b.port}
	for i, program := range []string{"srv_legacy2", "srv_async", "srv_legacy1"} {
		server := progtest.MustStart(t, program, append([]string{"127.0.0.1", "-p", "0"}, args...)...)
		b.servers[fmt.Sprintf("zen%d", i+1)] = server
		ports = append(ports, fmt.Sprintf("127.0.0.1:%d", 1061+i), "127.0.0.1:"+server.Port)
	}
	haproxy := exec.Command("haproxy", "-f", conf(t, strings.NewReplacer(ports...).Replace(string(text))))
	haproxy.Dir = t.TempDir()
	b.control = filepath.Join(haproxy.Dir, "haproxy.sock")
	if b.haproxy, err = progtest.Launch(haproxy); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.haproxy.Kill()
		if t.Failed() {
			t.Logf("haproxy printed:\n%s", b.haproxy.Output())
		}
	})
	progtest.Until(t, "haproxy listens", func() bool {
		select {
		case <-b.haproxy.Exited():
			t.Fatal("haproxy has exited")
		default:
		}
		conn, err := net.Dial("unix", b.control)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return b
}

// command sends a command to the control socket and returns the answer.
func (b *balancer) command(t *testing.T, command string) string {
	t.Helper()
	conn, err := net.Dial("unix", b.control)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	fmt.Fprintln(conn, command)
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return string(answer)
}

// conversations returns how many clients are connected to a server.
func (b *balancer) conversations(t *testing.T, server string) string {
	t.Helper()
	answer := b.command(t, "show stat")
	current := regexp.MustCompile(`(?m)^servers,` + server + `,\d*,\d*,(\d+),`).FindStringSubmatch(answer)
	if current == nil || !strings.HasPrefix(answer, "# pxname,svname,qcur,qmax,scur,") {
		t.Fatalf("haproxy does not say how many clients %s has:\n%s", server, answer)
	}
	return current[1]
}

var goes = regexp.MustCompile(`(?m)^client (\S+) goes to (\S+)$`)

// placed returns the servers that each client was connected to. A port may have
// belonged to several clients, one after the other. placed waits until haproxy
// has logged all clients that noticed something.
func (b *balancer) placed(t *testing.T, noticed map[string]error) (servers map[string]map[string]bool) {
	t.Helper()
	err := b.haproxy.WaitUntil("where all clients went", func(output string) bool {
		servers = map[string]map[string]bool{}
		for _, match := range goes.FindAllStringSubmatch(output, -1) {
			client, server := match[1], match[2]
			if servers[client] == nil {
				servers[client] = map[string]bool{}
			}
			servers[client][server] = true
		}
		for client := range noticed {
			if servers[client] == nil {
				return false
			}
		}
		return true
	})
	if err != nil {
		t.Error(err)
	}
	return servers
}

// A crowd is a group of clients that ask as fast as they get answers. Some stay
// for one long conversation, and others come and go.
type crowd struct {
	address   string
	first     []string     // the addresses of those that stay
	comeAgain atomic.Int32 // those that stay hang up and connect again when it changes
	over      chan struct{}
	all       sync.WaitGroup
	answers   []*atomic.Int64 // of each client; negative if it noticed and left

	isLate atomic.Bool // the test says that a server has gone

	mu      sync.Mutex
	noticed map[string]error // by the address of the client
	late    int              // how many clients that came after isLate noticed something
}

// gather returns a crowd in which every client has had an answer.
func (b *balancer) gather(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{address: "127.0.0.1:" + b.port, over: make(chan struct{}), noticed: map[string]error{}}
	t.Cleanup(func() { c.leave() })
	for range 9 {
		conn, err := c.connect()
		if err != nil {
			t.Fatal(err)
		}
		c.first = append(c.first, conn.LocalAddr().String())
		c.begin(func(answers *atomic.Int64) { c.stay(conn, answers) })
	}
	for range 3 {
		c.begin(c.comeAndGo)
	}
	c.goOn(t)
	return c
}

func (c *crowd) begin(client func(answers *atomic.Int64)) {
	answers := new(atomic.Int64)
	c.answers = append(c.answers, answers)
	c.all.Go(func() { client(answers) })
}

// connect connects and gets an answer, so haproxy has chosen a server for the
// client.
func (c *crowd) connect() (net.Conn, error) {
	late := c.isLate.Load()
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.noticed["no address"] = err
		return nil, err
	}
	if err := ask(conn); err != nil {
		c.notice(conn, err)
		conn.Close()
		if late {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.late++
		}
		return nil, err
	}
	return conn, nil
}

func ask(conn net.Conn) error {
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	if _, err := io.WriteString(conn, "Simple is better than?"); err != nil {
		return err
	}
	answer := make([]byte, len("Complex."))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if string(answer) != "Complex." {
		return fmt.Errorf("the answer is %q", answer)
	}
	return nil
}

func (c *crowd) notice(conn net.Conn, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noticed[conn.LocalAddr().String()] = err
}

func (c *crowd) isOver() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// stay is a client that stays until it notices something.
func (c *crowd) stay(conn net.Conn, answers *atomic.Int64) {
	times := c.comeAgain.Load()
	for !c.isOver() {
		if err := ask(conn); err != nil {
			c.notice(conn, err)
			answers.Store(-1)
			break
		}
		answers.Add(1)
		if now := c.comeAgain.Load(); now != times {
			conn.Close()
			var err error
			if conn, err = c.connect(); err != nil {
				answers.Store(-1)
				return
			}
			times = now
		}
	}
	conn.Close()
}

// comeAndGo plays one client after another. Each connects, asks one question
// and hangs up, and they keep coming, whatever they notice.
func (c *crowd) comeAndGo(answers *atomic.Int64) {
	for !c.isOver() {
		if conn, err := c.connect(); err == nil {
			conn.Close()
		}
		answers.Add(1)
	}
}

// goOn waits until every client has asked fifty more questions, or has left.
func (c *crowd) goOn(t *testing.T) {
	t.Helper()
	for i, answers := range c.answers {
		goal := answers.Load() + 50
		progtest.Until(t, fmt.Sprintf("client %d has its answers", i), func() bool {
			n := answers.Load()
			return n < 0 || n >= goal
		})
	}
}

// leave ends the crowd and returns what its clients noticed.
func (c *crowd) leave() map[string]error {
	if !c.isOver() {
		close(c.over)
	}
	c.all.Wait()
	return c.noticed
}
