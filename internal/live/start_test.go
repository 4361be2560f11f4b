//go:build unix

package live

import (
	"strings"
	"testing"

	"fopnp/internal/check/transcript"
	"fopnp/internal/check/weave"
	"fopnp/internal/netns"
)

// A session that cannot start tells its reader why, and the book goes on.
func TestStartFails(t *testing.T) {
	if !inside() {
		if err := netns.Supported(); err != nil {
			t.Skip(err)
		}
		runInside(t)
		return
	}
	b := open(t, true)

	// The place for temporary files is gone.
	t.Run("no home", func(t *testing.T) {
		c := b.visit(t)
		t.Setenv("TMPDIR", t.TempDir()+"/gone")
		c.run(readme, b.block(readme, "go run ./chapter07/client localhost"))
		c.until("there is a note", func() bool { return len(c.notes) == 1 && strings.Contains(c.notes[0], "gone") })
	})

	// The playground has no such host, or the system grants no playground.
	t.Run("no host", func(t *testing.T) {
		page := &weave.Page{Path: "nowhere.md", Blocks: []*weave.Block{{Transcript: &transcript.Transcript{
			Host: "nowhere", Commands: []transcript.Command{{Script: "true"}},
		}}}}
		b.config.Page = func(string) *weave.Page { return page }
		c := b.visit(t)
		c.run(page.Path, 0)
		c.until("there is a note", func() bool { return len(c.notes) == 1 })
	})

	// A reader leaves while another one uses the system's network.
	t.Run("no network", func(t *testing.T) {
		first, second := b.visit(t), b.visit(t)
		first.send(request{Do: "terminal"})
		first.until("there is a terminal", func() bool { return len(first.panes) == 2 })
		second.send(request{Do: "terminal"})
		second.until("it waits", func() bool { return len(second.notes) == 1 })
		second.conn.CloseNow()
		first.conn.CloseNow()
		b.empty(t)
	})
}

// What the reader types at a new terminal, and its size, count from its first moment.
func TestFirstMoment(t *testing.T) {
	b := open(t, true)
	c := b.visit(t)
	c.mu.Lock()
	c.opened = func(pane int) { c.send(request{Do: "size", Pane: pane, Columns: 132, Rows: 50}) }
	c.mu.Unlock()
	c.send(request{Do: "terminal"})
	c.until("there is a terminal", func() bool { return len(c.panes) == 2 })
	shell := c.pane(shellPane)
	c.send(request{Do: "keys", Pane: shell, Keys: "stty size\r"})
	c.until("the shell has the size", func() bool { return strings.Contains(c.screens[shell], "50 132\r\n") })
}
