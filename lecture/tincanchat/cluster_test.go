//go:build linux

package tincanchat_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"fopnp/internal/check/natsd"
	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// Fifty clients of five chat servers say a thousand messages. In the middle, a
// NATS server and a chat server are killed. All remaining clients hear the same
// messages in the same order, each once. Each author hears its message, or is
// told that it is not confirmed, or both.
func TestManyMachines(t *testing.T) {
	t.Parallel()
	for name, isVictim := range map[string]func(leader bool) bool{
		"without the stream's leader": func(leader bool) bool { return leader },
		"without another server":      func(leader bool) bool { return !leader },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loseMachines(t, isVictim)
		})
	}
}

const (
	chatServers = 5
	clients     = 50
	each        = 20  // messages of a client
	middle      = 300 // messages until the machines are lost
)

func loseMachines(t *testing.T, isVictim func(leader bool) bool) {
	nodes := startCluster(t)
	var servers []*progtest.Server
	for i := range chatServers {
		// An election takes up to nine seconds. Some servers wait for it, so
		// they send messages again. The others tell their clients.
		patience := []string{"60", "0.5"}[i%2]
		servers = append(servers, progtest.MustStart(t, "chat_server_nats", "127.0.0.1", "-p", "0",
			"-n", nodes[i%len(nodes)].URL(), "-a", patience))
	}
	var members []*member
	for i := range clients {
		m := join(t, servers[i%chatServers], i)
		defer m.conn.Close()
		members = append(members, m)
	}
	members[0].say("start")
	for _, m := range members {
		m.reads.Go(m.listen)
	}
	victim := nodes[slices.IndexFunc(nodes, func(n *natsd.Server) bool {
		return isVictim(n.Name == leaderOf(t, nodes))
	})]

	var speakers sync.WaitGroup
	for _, m := range members {
		speakers.Go(m.speak)
	}
	select {
	case <-members[0].middle:
	case <-time.After(3 * progtest.Patience): // three servers of NATS agree on each message
		var complained string
		for _, server := range servers {
			complained += complaints(server)
		}
		t.Fatalf("the clients do not hear %d messages; the chat servers printed:\n%s", middle, complained)
	}
	victim.Kill()
	const lost = chatServers - 1
	servers[lost].Kill()
	speakers.Wait()
	members[0].say("end")
	for _, m := range members {
		m.reads.Wait()
	}

	heard := members[0].heard
	for i, m := range members {
		if m.err != nil && i%chatServers != lost {
			t.Errorf("client %d: %v", i, m.err)
		} else if m.err != nil { // its server was killed
			if len(m.heard) > len(heard) || !slices.Equal(m.heard, heard[:len(m.heard)]) {
				t.Errorf("client %d heard something else: %s", i, difference(m.heard, heard))
			}
		} else if !slices.Equal(m.heard, heard) {
			t.Errorf("client %d heard something else: %s", i, difference(m.heard, heard))
		}
	}
	checkOrder(t, members, heard)
	for i, server := range servers[:lost] {
		want := `^$`
		if nodes[i%len(nodes)] == victim {
			want = `^chat_server_nats: connection to ` + victim.URL() + `: (socket closed|connection reset by peer)\n$`
		}
		if got := complaints(server); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("chat server %d printed %q, want %s", i, got, want)
		}
	}
	t.Logf("%d messages heard, %d not confirmed", len(heard), notConfirmed(members))
}

// complaints returns what a server has reported on stderr.
func complaints(server *progtest.Server) (lines string) {
	for line := range strings.Lines(server.Output()) {
		if strings.HasPrefix(line, "chat_server_nats: ") {
			lines += line
		}
	}
	return lines
}

// startCluster starts a cluster of three NATS servers.
func startCluster(t *testing.T) (nodes []*natsd.Server) {
	var ports []string
	for range 3 {
		port, release, err := progtest.ReservePort()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(release)
		ports = append(ports, port)
	}
	for i := range ports {
		nodes = append(nodes, progtest.StartNATS(t, natsd.Config{
			Name: fmt.Sprintf("n%d", i+1), Routes: slices.Concat(ports[i:], ports[:i]),
		}))
	}
	return nodes
}

// leaderOf returns the name of the NATS server that leads the stream.
func leaderOf(t *testing.T, nodes []*natsd.Server) string {
	t.Helper()
	nc, err := nats.Connect(nodes[0].URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), progtest.Patience)
	defer cancel()
	stream, err := js.Stream(ctx, "tincanchat")
	if err != nil {
		t.Fatal(err)
	}
	info := stream.CachedInfo()
	if info.Config.Storage != jetstream.MemoryStorage {
		t.Errorf("the stream is stored in a %v, want memory", info.Config.Storage)
	}
	if info.Config.Replicas != len(nodes) {
		t.Errorf("there are %d copies of the stream, want %d", info.Config.Replicas, len(nodes))
	}
	return info.Cluster.Leader
}

// A member is a client of one of the chat servers.
type member struct {
	number int
	conn   net.Conn
	author string // what its messages begin with, as all hear them
	lines  *bufio.Reader
	reads  sync.WaitGroup

	heard   []string    // between the messages start and end
	notices []string    // its messages that are not confirmed
	known   chan string // its messages that it has heard, or that are not confirmed
	middle  chan bool   // closed when it has heard so many
	err     error
}

const notice = "chat_server_nats: not confirmed: "

// join lets a client join. The client hears its own first message, and every
// later one.
func join(t *testing.T, server *progtest.Server, number int) *member {
	m := &member{number: number, conn: progtest.Dial(t, server),
		known: make(chan string, 2*each), middle: make(chan bool)}
	m.conn.SetDeadline(time.Now().Add(2 * progtest.Patience))
	m.author = pyfmt.Addr(m.conn.LocalAddr()) + ": "
	m.lines = bufio.NewReader(m.conn)
	m.say("hello")
	for {
		line, err := m.receive()
		switch {
		case err != nil:
			t.Fatal(err)
		case line == notice+"hello":
			m.say("hello")
		case line == m.author+"hello":
			return m
		}
	}
}

// say says messages, all in one segment. If the server is gone, listen notices.
func (m *member) say(texts ...string) {
	io.WriteString(m.conn, strings.Join(texts, "\x00")+"\x00")
}

func (m *member) receive() (string, error) {
	line, err := m.lines.ReadString(0)
	return strings.TrimSuffix(line, "\x00"), err
}

// listen notes what the member hears between the messages start and end.
func (m *member) listen() {
	defer close(m.known)
	var line string
	for !strings.HasSuffix(line, ": start") && m.err == nil {
		line, m.err = m.receive()
	}
	for m.err == nil {
		line, m.err = m.receive()
		if text, unconfirmed := strings.CutPrefix(line, notice); unconfirmed {
			m.notices = append(m.notices, text)
			m.known <- text
			continue
		} else if m.err != nil || strings.HasSuffix(line, ": end") {
			return
		}
		m.heard = append(m.heard, line)
		if len(m.heard) == middle {
			close(m.middle)
		}
		if text, own := strings.CutPrefix(line, m.author); own {
			m.known <- text
		}
	}
}

// speak says the member's messages, one to three at a time. It waits until it
// knows what became of them.
func (m *member) speak() {
	for n := 0; n < each; {
		var texts []string
		for range min(1+rand.IntN(3), each-n) {
			texts = append(texts, fmt.Sprintf("%d of %d", n, m.number))
			n++
		}
		m.say(texts...)
		for len(texts) > 0 {
			text, more := <-m.known
			if !more {
				return
			}
			texts = slices.DeleteFunc(texts, func(unknown string) bool { return unknown == text })
		}
	}
}

// checkOrder checks that nothing was heard twice, and that the messages of each
// author keep their order.
func checkOrder(t *testing.T, members []*member, heard []string) {
	next := map[int]int{}
	for _, line := range heard {
		_, text, _ := strings.Cut(line, "): ")
		var n, number int
		if _, err := fmt.Sscanf(text, "%d of %d", &n, &number); err != nil {
			t.Errorf("they heard %q", line)
			continue
		}
		m := members[number]
		if line != m.author+text {
			t.Errorf("they heard %q from another author", line)
		}
		if n < next[number] {
			t.Errorf("they heard %q twice, or too late", line)
		} else if m.err == nil {
			for ; next[number] < n; next[number]++ {
				if missing := fmt.Sprintf("%d of %d", next[number], number); !slices.Contains(m.notices, missing) {
					t.Errorf("%q was heard by none, and its author was not told", missing)
				}
			}
		}
		next[number] = n + 1
	}
}

func notConfirmed(members []*member) (n int) {
	for _, m := range members {
		n += len(m.notices)
	}
	return n
}

// difference says where two lists begin to differ.
func difference(got, want []string) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	return fmt.Sprintf("%d of %d are the same, then %q, want %q", i, len(want),
		got[i:min(i+3, len(got))], want[i:min(i+3, len(want))])
}
