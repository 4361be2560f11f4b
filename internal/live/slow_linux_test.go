package live

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
)

// A browser that shows nothing slows down a program that floods its terminal: the
// output in transit stays bounded, and so does the server's memory. Ctrl-C still
// arrives. When the browser shows output again, everything continues.
func TestSlowBrowser(t *testing.T) {
	b := open(t, true)
	c := b.visit(t)
	c.send(request{Do: "terminal"})
	c.until("there is a terminal", func() bool { return len(c.panes) == 2 })
	terminal := c.pane(terminalPane)
	c.until("there is a prompt", func() bool { return strings.HasSuffix(c.screens[terminal], "$ ") })

	before, err := kernel.Resident(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.hold = true
	c.mu.Unlock()
	c.send(request{Do: "keys", Pane: terminal, Keys: "echo $BASHPID; yes flood\r"})
	c.until("the window is full", func() bool { return len(c.screens[terminal]) > window })
	// One more read of the terminal can be on its way.
	const most = window + 1<<14 + 1000
	// yes cannot write, so it uses no more processor time.
	var spent, was = 1, 0
	for spent != was {
		was = spent
		c.send(request{Do: "keys", Pane: terminal}) // takes its time
		spent = 0
		for _, pid := range kernel.Descendants(os.Getpid()) {
			if name, _ := os.ReadFile(procFile(pid, "comm")); strings.TrimSpace(string(name)) == "yes" {
				cpu, _ := kernel.CPU(pid)
				spent += int(cpu)
			}
		}
	}
	c.mu.Lock()
	n := len(c.screens[terminal])
	c.mu.Unlock()
	if n > most {
		t.Errorf("%d bytes came though none was shown, want at most %d", n, most)
	}
	after, err := kernel.Resident(os.Getpid())
	if err != nil || after > before+32<<20 {
		t.Errorf("the server had %d MiB, and now %d MiB (%v)", before>>20, after>>20, err)
	}

	c.send(request{Do: "keys", Pane: terminal, Keys: "\x03"})
	c.mu.Lock()
	c.hold = false
	c.mu.Unlock()
	c.send(request{Do: "shown", Pane: terminal, Bytes: n})
	c.until("there is a prompt again", func() bool { return strings.HasSuffix(c.screens[terminal], "$ ") })
	c.send(request{Do: "keys", Pane: terminal, Keys: "echo is''here\r"})
	c.until("the terminal works", func() bool { return strings.Contains(c.screens[terminal], "ishere") })
}

// When a session ends, no goroutine still waits for the browser to show its output.
func TestSlowBrowserBeginsAnew(t *testing.T) {
	b := open(t, false)
	c := b.visit(t)
	c.mu.Lock()
	c.hold = true
	c.mu.Unlock()
	c.send(request{Do: "terminal"})
	c.until("there is a terminal", func() bool { return c.has(terminalPane) })
	terminal := c.pane(terminalPane)
	c.send(request{Do: "keys", Pane: terminal, Keys: "yes flood\r"})
	c.until("the window is full", func() bool { return len(c.screens[terminal]) > window })
	ask := b.block(readme, "go run ./chapter07/client localhost")
	c.run(readme, ask)
	c.run(readme, ask) // once more, in a new session
	progtest.Until(t, "no terminal of the first session waits", func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return !strings.Contains(string(stacks), "(*browser).show(")
	})
}
