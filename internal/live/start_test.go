//go:build unix

package live

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

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

// A new terminal accepts keys and a size from its first moment.
func TestFirstMoment(t *testing.T) {
	b := open(t, netns.Supported() != nil)
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

// A shell that ends before we know its process id does not leave a pane behind.
func TestShellEndsAtOnce(t *testing.T) {
	orders, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reports, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer orders.Close()
	defer theirs.Close()
	v := make(viewed, 10)
	id := 0
	s := newSession(t.Context(), transcript.Config{}, "", v, func() int { id++; return id })
	defer s.cancel()
	s.keeper = &keeper{orders: ours, exited: s.ended, dead: make(chan struct{}), answers: make(chan report)}
	defer s.keeper.end()
	go s.keeper.listen(reports)
	go func() {
		json.NewDecoder(orders).Decode(new(order))
		says := json.NewEncoder(theirs)
		says.Encode(report{Exited: 42})
		says.Encode(report{Answer: true, Pid: 42})
	}()
	if _, err := s.openPane(terminalPane, "terminal", exec.Command("true")); err != nil {
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	if opens, is := (<-v).(paneOpens); !is {
		t.Errorf("the browser is told first %+v", opens)
	}
	select {
	case change := <-v:
		if change != (paneChanges{Tell: "program", Pane: 1}) || len(s.panes) > 0 {
			t.Errorf("the browser is told %+v, and %d panes are left", change, len(s.panes))
		}
	default:
		t.Error("the browser is not told that the shell has ended")
	}
}

// A reader may have replaced a log with a named pipe. Opening one would wait for a
// writer.
func TestLogIsPipe(t *testing.T) {
	path := t.TempDir() + "/log"
	if err := exec.Command("mkfifo", path).Run(); err != nil {
		t.Skip(err)
	}
	read := make(chan []byte)
	go func() {
		data, _ := readOn(path, 0)
		read <- data
	}()
	select {
	case data := <-read:
		if len(data) > 0 {
			t.Errorf("it reads %q", data)
		}
	case <-time.After(patience):
		t.Error("it waits for a writer")
	}
}

// A reader's run is judged as the tests judge it: in a block that says status=N, a
// command must fail.
func TestNoneFails(t *testing.T) {
	b := open(t, netns.Supported() != nil)
	page := &weave.Page{Path: "status.md", Blocks: []*weave.Block{{Transcript: &transcript.Transcript{
		Status: 3, Commands: []transcript.Command{{Script: "true"}, {Script: "true"}},
	}}}}
	b.config.Page = func(string) *weave.Page { return page }
	c := b.visit(t)
	c.run(page.Path, 0)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.commands) != 2 || c.commands[0].State != asPrinted ||
		c.commands[1].State != differs || !strings.Contains(c.commands[1].Why, "status=3") {
		t.Errorf("the commands are %+v", c.commands)
	}
}

// viewed is a viewer that keeps the messages it gets.
type viewed chan any

func (v viewed) tell(message any)       { v <- message }
func (v viewed) show(int, []byte) error { return nil }
