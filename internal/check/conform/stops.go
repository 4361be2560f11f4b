package conform

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

var stopChecks = []Check{
	Alone("stop/SIGTERM", stopped(syscall.SIGTERM)),
	Alone("stop/SIGINT", stopped(os.Interrupt)),
	Alone("stop/half a request", stopHalf),
	Alone("stop/no client", stopNoClient),
	{Name: "stop/never reads", Run: stopNeverReads},
}

// On SIGINT and SIGTERM, a server stops accepting, closes idle conversations
// and exits with status 0.
func stopped(signal os.Signal) func(*Trial) {
	return func(t *Trial) {
		c := t.Connect()
		c.Exchange()
		t.Signal(signal)
		c.ExpectEnd()
		c.ExpectEnding(c.Closed)
		t.ExpectExit(0)
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", t.process.Port))
		if err == nil {
			conn.Close()
			t.Failf("its port still accepts connections")
		}
	}
}

// A signal stops a server that has announced itself, even before the first
// client.
func stopNoClient(t *Trial) {
	t.Signal(syscall.SIGTERM)
	t.ExpectExit(0)
}

// The server names what it received and did not answer, because nothing may be
// dropped silently.
func stopHalf(t *Trial) {
	c := t.Connect()
	c.asks(1, c.Unfinished)
	t.Signal(syscall.SIGTERM)
	c.ExpectEnd()
	c.ExpectNaming(c.unfinished())
	t.ExpectExit(0)
}

// A server exits within a second of the signal, even if a client does not take
// its answers. On a busy machine we notice the exit late, so one server that
// exits in time is enough: a server that takes too long does so every time.
func stopNeverReads(s Server) error {
	const bound = 1500 * time.Millisecond
	for giveUp := time.Now().Add(s.wait()); ; {
		var took time.Duration
		err := serving(func(t *Trial) {
			c := t.ConnectNarrow()
			c.flood(c.longAnswers().Ask)
			signalled := time.Now()
			t.Signal(syscall.SIGTERM)
			t.ExpectExit(0)
			took = time.Since(signalled)
		})(s)
		if err != nil || took < bound {
			return err
		}
		if time.Now().After(giveUp) {
			return fmt.Errorf("it took %v to stop", took)
		}
	}
}
