//go:build unix

package live

import (
	"os/exec"
	"strings"
	"testing"

	"fopnp/internal/listings"
)

// Six clients come to the server that runs, each in a lane of its own.
func TestCrowd(t *testing.T) {
	b := open(t, false)
	c := b.visit(t)
	c.send(request{Do: "crowd"})
	c.until("there is no server", func() bool { return len(c.notes) == 1 })
	c.run(readme, b.block(readme, "go run ./chapter07/srv_single '' &>server.log &"))
	c.send(request{Do: "crowd"})
	c.until("all have been answered", func() bool {
		clients := map[uint16]int{}
		for _, e := range c.lanes {
			if e.Kind == "answers" && e.Server == 1060 {
				clients[e.Client]++
			}
		}
		for _, n := range clients {
			if n < 3 {
				return false
			}
		}
		return len(clients) == crowdSize
	})
	crowd := c.pane(terminalPane)
	c.until("the terminal shows them", func() bool {
		return strings.Count(c.screens[crowd], "b'Simple is better than?' b'Complex.'\r\n") == crowdSize
	})
	if title := c.panes[crowd].Title; title != "six clients of srv_single" {
		t.Errorf("the terminal is called %q", title)
	}
}

// For each server of the table that has a client, the command of its crowd is one that
// bash understands.
func TestCrowdScripts(t *testing.T) {
	n := 0
	for _, l := range listings.All {
		if !l.IsServer() || l.Visit.Client == "" {
			continue
		}
		script, err := crowdScript(l, l.Port)
		if err != nil {
			t.Errorf("%s: %v", l.Name, err)
			continue
		}
		if complaint, err := exec.Command("bash", "-n", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %s: %s", l.Name, script, complaint)
		}
		n++
	}
	if n == 0 {
		t.Error("no server has a client")
	}
}
