package main

import (
	"strings"
	"testing"
)

// newest is the pane of the newest terminal.
const newest = `[...live.panes.values()].at(-1)`

// keys types at the newest terminal.
func (r *reader) keys(keys string) {
	r.t.Helper()
	r.is(newest + ".terminal.input(" + keys + ")")
}

// click clicks the dock's button with a label.
func (r *reader) click(label string) {
	r.t.Helper()
	r.is("all('.dock-bar button').find(b => b.textContent === '" + label + "').click()")
}

// The dock stays as the reader wants it: a long paste does not end the session, six
// clients need one terminal, a terminal whose shell has ended disappears, and a closed
// dock stays closed.
func TestDockStays(t *testing.T) {
	url, _ := openBook(t)
	r := tab(t, url)
	r.run("$ go run ./chapter07/client localhost")
	r.click("+ Terminal")
	const terminals = `[...live.panes.values()].filter(p => p.kind === "terminal").length`
	r.until(terminals + " === 1")

	// Each line is an emoji, which must not be cut in two, and a line feed.
	r.keys(`"stty -echo; grep -c '^🐍$'\r"`)
	r.until(screens + `.includes("grep")`)
	r.keys(`"🐍\r".repeat(20000) + "\x04"`)
	r.until(`!live.socket || ` + screens + `.includes("\n20000\n")`)
	if r.is("!!live.socket") != "true" {
		t.Fatal("a paste has ended the session")
	}
	r.keys(`"stty echo; exit\r"`)
	r.until(terminals + " === 0")
	if n := r.is("all('.pane').length"); n != "2" {
		t.Errorf("%s panes are there, want the shell and the log", n)
	}

	const answered = screens + `.split("b'Simple is better than?' b'Complex.'").length - 1`
	for n, want := range []string{"7", "13"} { // and the answer to the block's own client
		r.click("Six clients")
		r.until("(" + answered + ") === " + want)
		if got := r.is(terminals); got != "1" {
			t.Errorf("after %d crowds there are %s terminals", n+1, got)
		}
	}

	// A message after Close does not open the dock again.
	const late = `["keys", "size", "shown"].forEach(what => live.send({ do: what, pane: 1, keys: "x", bytes: 1 }))`
	r.is("window.lanes = live.lanes")
	r.click("Close")
	r.is(late)
	if r.is("one('#dock').hidden && !live.opening && !live.socket && !live.queue.length") != "true" {
		t.Error("the dock is open again after Close")
	}
	r.run("$ go run ./chapter07/client localhost")
	if r.is("live.lanes === window.lanes") != "true" {
		t.Error("there are two drawings of the lanes")
	}
}

// When the server is gone, the reader can still read the panes, even after typing.
func TestDockOfDeadServer(t *testing.T) {
	url, book := openBook(t)
	r := tab(t, url)
	r.run("$ go run ./chapter07/client localhost")
	book.Kill()
	r.until("!live.socket")
	r.keys(`"x"`)
	if !strings.Contains(r.is(screens), "Complex") || r.is("all('.pane').length") != "2" || r.is("!!live.opening") != "false" {
		t.Errorf("a key has emptied the dock: %s", r.is("one('#dock').textContent"))
	}
}

// However much happens, the page keeps only what it shows.
func TestLanesForget(t *testing.T) {
	url, _ := openBook(t)
	r := tab(t, url)
	kept := r.is(`(() => {
		const lanes = new Lanes();
		for (let i = 0; i < 1000; i++) {
			const at = i * 100, event = { server: 1, client: 1, at };
			lanes.add({ ...event, kind: "asks", size: 1, text: "x" });
			lanes.add({ ...event, kind: "served" });
			lanes.add({ ...event, kind: "idle" });
			lanes.add({ server: 1, client: 2 + i, at, kind: "queue" });
			lanes.add({ server: 1, client: 2 + i, at, kind: "gone" });
		}
		const lane = lanes.lanes.values().next().value;
		return [lane.number, lanes.lanes.size <= 13, lane.said.length <= 200, lane.spans.length <= 410, lanes.said.children.length <= 300];
	})()`)
	if kept != "1,true,true,true,true" {
		t.Errorf("it keeps too much: %s", kept)
	}
}
