package conform

import (
	"strings"
	"sync"

	"fopnp/internal/check/progtest"
)

var crowdChecks = []Check{
	Shared("one after another", oneAfterAnother),
	Alone("at once", atOnce),
	{Name: "churn", Run: churn},
}

// A server serves all clients that come, each in its turn.
func oneAfterAnother(t *Trial) {
	for range 50 {
		t.visit()
	}
}

// A server serves as many clients at the same time as its row says. The next
// client waits until another has left: the line that begins its conversation
// comes after a line that ends another conversation.
func atOnce(t *Trial) {
	n := t.AtOnce
	if n == 0 {
		n = 100
	}
	var clients []*Client
	for range n {
		clients = append(clients, t.Connect())
	}
	var all sync.WaitGroup
	if !t.Once {
		for _, c := range clients {
			all.Go(c.Exchange)
		}
		all.Wait()
	}
	next := t.Connect()
	next.Send(next.Ask)
	for _, c := range clients {
		all.Go(c.Exchange)
	}
	all.Wait()
	for _, c := range clients {
		all.Go(c.Leave)
	}
	next.Hear(next)
	all.Wait()
	next.Leave()
	if t.Failed() || t.AtOnce == 0 || t.Accepted == "" {
		return
	}
	before, _, _ := strings.Cut(t.Output(), strings.Replace(t.Accepted, "ADDR", next.addr, 1))
	for _, c := range clients {
		if strings.Contains(before, strings.Replace(t.Closed, "ADDR", c.addr, 1)) {
			return
		}
	}
	t.Failf("it serves more than %d at once:\n%s", n, before)
}

// Many short conversations, several at a time, leave nothing behind but their
// lines: the server's memory does not grow. A conversation that the server
// never forgets costs it 600 bytes or more. Even with GOGC=10, its memory
// varies by chance, but it does not grow time after time. Only the thousands of
// conversations with -all make so small a leak stand out from the chance
// variation.
func churn(s Server) error {
	return serving(func(t *Trial) {
		t.converse(t.affordable(2000))
		n := t.affordable(4000)
		most := 2 << 20 // bytes
		if progtest.All() {
			most = n * 200
		}
		if progtest.Race || t.processEach() {
			t.converse(n)
			return
		}
		var grown int
		for range 3 {
			before := t.Resident()
			t.converse(n)
			grown = (t.Resident() - before) << 10
			if t.Failed() || grown <= most {
				return
			}
		}
		t.Failf("its memory grew by %d bytes in %d conversations, and did so twice before", grown, n)
	})(s.With("GOGC=10"))
}

// affordable returns n, or less without -all or if a conversation costs more
// than usual.
func (t *Trial) affordable(n int) int {
	if progtest.Race {
		n /= 20
	} else {
		n = progtest.Count(n/4, n)
	}
	if t.processEach() {
		n /= 20
	}
	return n
}

// processEach reports whether each client has a process of its own.
func (s Server) processEach() bool { return s.Children && s.AtOnce != 1 }

// converse has n short conversations, four at a time.
func (t *Trial) converse(n int) {
	const workers = 4
	requests := 3
	if t.Once {
		requests = 1
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range n / workers {
				c := t.Connect()
				c.asks(requests, "")
				c.leaveUnseen()
			}
		})
	}
	all.Wait()
}
