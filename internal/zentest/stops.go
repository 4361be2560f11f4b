package zentest

import (
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

var stopChecks = []Check{
	{"stop/SIGTERM", serving(stopped(syscall.SIGTERM))},
	{"stop/SIGINT", serving(stopped(os.Interrupt))},
	{"stop/half a question", serving(stopHalf)},
	{"stop/nobody", serving(stopNobody)},
	{"stop/never reads", serving(stopNeverReads)},
}

// At SIGINT and SIGTERM a server stops accepting, closes idle conversations
// and exits with status 0.
func stopped(signal os.Signal) func(*trial) {
	return func(t *trial) {
		c := t.connect()
		c.asks()
		t.signal(signal)
		c.over()
		c.ends(c.Closed)
		t.exits(0)
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", t.server.Port))
		if err == nil {
			conn.Close()
			t.failf("somebody still accepts connections")
		}
	}
}

// A client that does not take its answers keeps no server from stopping.
func stopNeverReads(t *trial) {
	c := t.connect()
	c.conn.SetReadBuffer(1 << 16)
	go c.send(strings.Repeat("?", 1<<20))
	<-t.clock(200 * time.Millisecond) // time to get stuck, in most runs
	t.signal(syscall.SIGTERM)
	t.exits(0)
}

// A server that has announced itself can be stopped, though nobody has come.
func stopNobody(t *trial) {
	t.signal(syscall.SIGTERM)
	t.exits(0)
}

// What was received and not answered is named: nothing is lost.
func stopHalf(t *trial) {
	c := t.connect()
	c.say("Simple is better than?Beauti")
	c.hear("Complex.")
	t.signal(syscall.SIGTERM)
	c.over()
	c.endsNaming("b'Beauti'")
	t.exits(0)
}
