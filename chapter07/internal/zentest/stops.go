package zentest

import (
	"net"
	"os"
	"strings"
	"syscall"
)

var stopChecks = []Check{
	alone("stop/SIGTERM", stopped(syscall.SIGTERM)),
	alone("stop/SIGINT", stopped(os.Interrupt)),
	alone("stop/half a question", stopHalf),
	alone("stop/nobody", stopNobody),
	alone("stop/never reads", stopNeverReads),
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
	c := t.connectNarrow()
	go c.send(strings.Repeat("?", 1<<20))
	c.isStuck()
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
