package zentest

import (
	"net"
	"os"
	"syscall"
)

var stopChecks = []Check{
	{"stop/SIGTERM", serving(stopped(syscall.SIGTERM))},
	{"stop/SIGINT", serving(stopped(os.Interrupt))},
	{"stop/half a question", serving(stopHalf)},
	{"stop/nobody", serving(stopNobody)},
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
