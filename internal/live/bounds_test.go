//go:build unix

package live

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fopnp/internal/check/transcript"
	"fopnp/internal/check/weave"
	"fopnp/internal/netns"
)

// pageOf returns a page with one section of blocks, each of which has one command. All
// other pages of the book are gone.
func (b *book) pageOf(scripts ...string) string {
	page := &weave.Page{Path: "page.md"}
	for _, script := range scripts {
		page.Blocks = append(page.Blocks, &weave.Block{Transcript: &transcript.Transcript{
			Commands: []transcript.Command{{Script: script}},
		}})
	}
	b.config.Page = func(string) *weave.Page { return page }
	return page.Path
}

// A browser may ask for a few things that take long. The server refuses more, and says
// so, because each would cost it a goroutine.
func TestTooManyRequests(t *testing.T) {
	b := open(t, netns.Supported() != nil)
	page := b.pageOf("cat")
	c := b.visit(t)
	c.send(request{Do: "run", Page: page})
	const begins = "\x1b]133;C" // bash says that it starts a command
	c.until("cat runs", func() bool { return strings.Contains(c.screens[1], begins) })
	const more = 3 // requests that wait for their turn
	for range more {
		c.send(request{Do: "run", Page: page, Block: -1})
	}
	for n := 1; n <= 100; n++ {
		c.send(request{Do: "run", Page: page, Block: -1})
		c.until("it is refused", func() bool { return len(c.ended) == n && len(c.notes) == n })
	}
	c.mu.Lock()
	if !strings.HasPrefix(c.notes[99], "Too many requests") {
		t.Errorf("the reader is told %q", c.notes[99])
	}
	c.mu.Unlock()
	c.send(request{Do: "keys", Pane: 1, Keys: "\x04"}) // the end of what cat reads
	c.until("those that waited have their turn", func() bool { return len(c.ended) == 100+1+more })
}

// A session shows only so many logs, however many programs its blocks start.
func TestManyLogs(t *testing.T) {
	b := open(t, netns.Supported() != nil)
	scripts := []string{`srv_single() { echo "Listening at ('', 1060)"; sleep 1000; }`}
	for n := range 2*maxTerminals + 3 {
		scripts = append(scripts, fmt.Sprintf("srv_single &>%d.log &", n))
	}
	page := b.pageOf(scripts...)
	c := b.visit(t)
	c.run(page, len(scripts)-1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.commands) != len(scripts) || len(c.panes) != 2*maxTerminals {
		t.Errorf("%d commands have run, and there are %d panes, want %d and %d",
			len(c.commands), len(c.panes), len(scripts), 2*maxTerminals)
	}
}

// A browser cannot widen its window: the server ignores it if it claims to have shown
// more than was sent, or less than nothing.
func TestShownTooMuch(t *testing.T) {
	sent := &flow{unseen: 100, room: make(chan struct{})}
	b := &browser{flows: map[int]*flow{1: sent}}
	for _, bytes := range []int{-1, 0, -1 << 62} {
		if b.shown(1, bytes); sent.unseen != 100 {
			t.Errorf("after %d bytes, %d are on their way, want 100", bytes, sent.unseen)
		}
	}
	for _, bytes := range []int{60, 60, 1 << 62} {
		if b.shown(1, bytes); sent.unseen < 0 {
			t.Errorf("after %d bytes, %d are on their way", bytes, sent.unseen)
		}
	}
	b.shown(2, 1) // there is no such pane
	if len(b.flows) != 1 {
		t.Errorf("there are %d flows", len(b.flows))
	}
}

// The server ignores sizes that no screen has, because programs reserve memory for every
// cell of their terminal.
func TestSizes(t *testing.T) {
	b := open(t, netns.Supported() != nil)
	c := b.visit(t)
	c.send(request{Do: "terminal"}) // any request opens the shell
	c.until("there is a shell", func() bool { return len(c.panes) == 2 })
	shell := c.pane(shellPane)
	for _, size := range [][2]int{
		{132, 50}, // the last that counts
		{1000, 50}, {132, 1000}, {1, 50}, {132, 1}, {-132, 50}, {132, -50}, {1<<16 + 100, 1<<16 + 40}, {0, 0},
	} {
		c.send(request{Do: "size", Pane: shell, Columns: size[0], Rows: size[1]})
	}
	c.send(request{Do: "keys", Pane: shell, Keys: "stty size\r"})
	c.until("the shell has the size", func() bool { return strings.Contains(c.screens[shell], "50 132\r\n") })
}

// While no block runs, a tap keeps only the end of a terminal's output, where the
// prompt is.
func TestTapForgets(t *testing.T) {
	tty, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	tap := newTap(tty, func(data []byte) error { shown += len(data); return nil })
	done := make(chan struct{})
	go func() {
		defer close(done)
		tap.pump()
	}()
	const prompt = "$ "
	flood := append(bytes.Repeat([]byte("x"), 3*kept), prompt...)
	theirs.Write(flood)
	theirs.Close()
	<-done
	if shown != len(flood) || len(tap.unread) != kept || !bytes.HasSuffix(tap.unread, []byte("x"+prompt)) {
		t.Errorf("%d bytes are shown, and %d are kept", shown, len(tap.unread))
	}
}

// Keys for a program that does not read do not stop the browser's other requests: the
// terminal buffers what it has room for, and drops the rest.
func TestKeysThatNoneReads(t *testing.T) {
	t.Parallel()
	theirs, tty, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	defer tty.Close()
	n, err := newTap(tty, nil).Write(make([]byte, 1<<22))
	if !os.IsTimeout(err) || n == 0 {
		t.Errorf("%d bytes are written: %v", n, err)
	}
}

// A log is read in pieces, so a large one is never in memory as a whole.
func TestLogInPieces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	text := bytes.Repeat([]byte("0123456789abcde\n"), 10000)
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	var all []byte
	for {
		data, from := readOn(path, int64(len(all)))
		if len(data) > 1<<14 || from != int64(len(all)) {
			t.Fatalf("%d bytes from %d on, want at most %d from %d on", len(data), from, 1<<14, len(all))
		}
		if len(data) == 0 {
			break
		}
		all = append(all, data...)
	}
	if !bytes.Equal(all, text) {
		t.Errorf("the log has %d bytes, want %d", len(all), len(text))
	}
}
