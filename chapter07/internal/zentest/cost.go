package zentest

import (
	"slices"
	"sync"

	"fopnp/internal/check/conform"
)

// costChecks are about answers that cost time (-d). Those that must know when
// the server has received the question exist only on Linux.
var costChecks = slices.Concat([]conform.Check{
	conform.Alone("costly answers", costlyAnswers, "-t", "1", "-d", "1500ms"),
}, linuxChecks)

// The time that the server takes for an answer does not count against the
// timeout of the client that asked, nor against that of the next one.
func costlyAnswers(t *conform.Trial) {
	clients := 2
	if t.AtOnce == 1 {
		clients = 1
	}
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			c := t.Connect()
			c.Exchange()
			c.Leave()
		})
	}
	all.Wait()
}
