package zentest

import (
	"strings"
	"sync"

	"fopnp/internal/check/progtest"
)

var crowdChecks = []Check{
	sharing("one after another", oneAfterAnother),
	alone("at once", atOnce),
	alone("churn", churn),
}

// Whoever comes is served, each in its turn.
func oneAfterAnother(t *trial) {
	for range 50 {
		c := t.connect()
		c.asks()
		c.leaves()
	}
}

// A server serves as many at once as its row says. Who comes to a full one
// waits, and is served when another has left: the line that begins the
// conversation comes after one that ends another.
func atOnce(t *trial) {
	n := t.AtOnce
	if n == 0 {
		n = 100
	}
	var clients []*client
	for range n {
		clients = append(clients, t.connect())
	}
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(c.asks)
	}
	all.Wait()
	next := t.connect()
	next.say("Beautiful is better than?")
	for _, c := range clients {
		all.Go(c.asks)
	}
	all.Wait()
	for _, c := range clients {
		all.Go(c.leaves)
	}
	next.hear("Ugly.")
	all.Wait()
	next.leaves()
	if t.failed() || t.AtOnce == 0 || t.Accepted == "" {
		return
	}
	before, _, _ := strings.Cut(t.server.Output(), strings.Replace(t.Accepted, "ADDR", next.addr, 1))
	for _, c := range clients {
		if strings.Contains(before, strings.Replace(t.Closed, "ADDR", c.addr, 1)) {
			return
		}
	}
	t.failf("it serves more than %d at once:\n%s", n, before)
}

// Thousands of short conversations, of several clients at a time, leave no
// trace but their lines.
func churn(t *trial) {
	questions, answers := many(3)
	conversations := 1000
	if progtest.Race {
		conversations /= 20 // each costs ten times as much
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range conversations {
				c := t.connect()
				c.say(questions)
				c.hear(answers)
				c.hangsUp()
			}
		})
	}
	all.Wait()
}
