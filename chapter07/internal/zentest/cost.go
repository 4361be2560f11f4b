package zentest

import (
	"slices"
	"sync"

	"fopnp/internal/check/conform"
)

// costChecks are about answers that cost time (-d). Those for which the server
// must have received the question are there on Linux only.
var costChecks = slices.Concat([]conform.Check{
	conform.Alone("costly answers", costlyAnswers, "-t", "1", "-d", "1500ms"),
}, linuxChecks)

// What an answer costs is the server's time. It counts neither for the client
// that asked, nor for the next one.
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
