package live

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"fopnp/internal/check/kernel"
)

const playground = "playground/README.md"

// A block of the playground opens a terminal on its host. Another terminal joins the same
// playground. When the browser leaves, no process of it is left.
func TestPlayground(t *testing.T) {
	b := open(t, false)
	c := b.visit(t)
	block := b.block(playground, "traceroute -n -q 1 www.example.com")
	if missing := b.pages[playground].Blocks[block].Transcript.Missing(); missing != "" {
		t.Skipf("%s is not installed", missing)
	}
	before := len(kernel.Descendants(os.Getpid()))
	c.run(playground, block)
	c.mu.Lock()
	n := len(c.commands)
	c.mu.Unlock()
	c.allAsPrinted(max(n, 1))
	shell := c.pane(shellPane)
	c.send(request{Do: "keys", Pane: shell, Keys: "echo on `hostname` >/tmp/here\r"})
	c.send(request{Do: "terminal"})
	c.until("there is a terminal", func() bool {
		for _, p := range c.panes {
			if p.Kind == terminalPane {
				return true
			}
		}
		return false
	})
	terminal := c.pane(terminalPane)
	c.send(request{Do: "keys", Pane: terminal, Keys: "until cat /tmp/here 2>/dev/null; do :; done\r"})
	c.until("the terminal is on the same host", func() bool { return strings.Contains(c.screens[terminal], "on h1\r\n") })
	for id, want := range map[int]string{shell: "shell on h1", terminal: "terminal on h1"} {
		if got := c.panes[id].Title; got != want {
			t.Errorf("a terminal is called %q, want %q", got, want)
		}
	}
	c.send(request{Do: "crowd"})
	c.until("the crowd stays at home", func() bool { return len(c.notes) == 1 })

	running := kernel.Descendants(os.Getpid())
	if len(running) < before+12 {
		t.Errorf("only %d processes are there for twelve hosts", len(running)-before)
	}
	c.conn.CloseNow()
	b.empty(t)
	for _, pid := range running[before:] {
		if syscall.Kill(pid, 0) == nil && !isZombie(pid) {
			name, _ := os.ReadFile(procFile(pid, "comm"))
			t.Errorf("process %d is left: %s", pid, name)
		}
	}
}
