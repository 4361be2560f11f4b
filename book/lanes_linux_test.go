package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The page says in words how exact the lanes are, and when they may be incomplete.
func TestDoubtOnPage(t *testing.T) {
	url, _ := openBook(t)
	r := tab(t, url)
	const says = `(() => {
		const lanes = new Lanes();
		for (const event of [%s]) lanes.add({ server: 1060, client: 5, ...event });
		lanes.draw();
		return one(".legend .doubt", lanes.box).textContent;
	})()`
	const served = `{ kind: "served", at: 10, doubt: 0.312 }, { kind: "idle", at: 20 }`
	for _, c := range []struct{ events, want string }{
		{`{ kind: "served", at: 10, doubt: 0.049 }`, ""},
		{served, "Changes may be off by up to 0.3 ms."},
		{served + `, { kind: "waits", at: 99, doubt: 28.6 }`, "Changes may be off by up to 29 ms."},
		{`{ kind: "idle", at: 10 }, { kind: "lost", client: 0, at: 11, size: 1 }`,
			"The book missed 1 packet, so clients and words may be missing."},
		{`{ kind: "lost", client: 0, at: 1, size: 40 }, { kind: "lost", client: 0, at: 2, size: 2 }, ` + served,
			"Changes may be off by up to 0.3 ms. The book missed 42 packets, so clients and words may be missing."},
		{`{ kind: "lost", client: 0, at: 1, size: 40 }, { kind: "idle", at: 2 }, { kind: "gone", at: 3 }, { kind: "idle", client: 6, at: 9000 }`, ""}, // a new scene
	} {
		if got := r.is(fmt.Sprintf(says, c.events)); got != c.want {
			t.Errorf("after %s, the page says %q, want %q", c.events, got, c.want)
		}
	}
}

// The six clients of a crowd are in one scene of the lanes, even if a busy machine starts
// them one by one. The next client begins a scene, and so does the next crowd.
func TestCrowdOnPage(t *testing.T) {
	url, _ := openBook(t)
	r := tab(t, url)
	got := r.is(`(() => {
		const lanes = new Lanes(), counts = [];
		const visit = (client, at) => {
			lanes.add({ server: 1060, client, kind: "idle", at });
			lanes.add({ server: 1060, client, kind: "gone", at: at + 1 });
			counts.push(lanes.count);
		};
		visit(1, 0); visit(2, 900);
		lanes.expect(6);
		for (let n = 0; n < 6; n++) visit(10 + n, 1000 + 900 * n);
		visit(3, 6400);
		lanes.expect(6);
		visit(20, 6410);
		return counts.join();
	})()`)
	if want := "1,1,1,2,3,4,5,6,1,1"; got != want {
		t.Errorf("with each visit, the clients of the scene were %s, want %s", got, want)
	}
}

// In the lanes, a client that hangs up has left, even if the server keeps its connection
// because the client might still listen, as in a chat. What the server says to it later
// begins no lane.
func TestLanesEndOnPage(t *testing.T) {
	url, _ := openBook(t)
	r := tab(t, url)
	got := r.is(`(() => {
		const lanes = new Lanes(), lines = () => {
			lanes.draw();
			return all(".idle", lanes.chart).map(line => Math.round(line.getAttribute("x2") - line.getAttribute("x1"))).join("+");
		};
		const add = (client, kind, at) => lanes.add({ server: 4040, client, kind, at, size: 1, text: "x" });
		add(1, "connects", 0); add(1, "idle", 0);
		add(2, "connects", 0); add(2, "idle", 0);
		add(1, "hangs up", 84);
		add(2, "answers", 168); add(2, "hangs up", 168);
		const one = lines();
		add(3, "connects", 9000); add(3, "idle", 9000); // a new scene
		add(1, "answers", 9001); add(1, "breaks off", 9002); add(1, "gone", 9002);
		add(3, "asks", 9003); add(3, "served", 9003); add(3, "hangs up", 9004); // and still waits
		return [one, lanes.lanes.size, isOpen(lanes.lanes.values().next().value)].join();
	})()`)
	if got != "84+168,1,true" {
		t.Errorf("the lanes are %s", got)
	}
}

// On a phone, too, the text of a terminal ends before the scroll bar.
func TestTerminalFits(t *testing.T) {
	url, _ := openBook(t)
	r := tab(t, url)
	r.run("$ go run ./chapter07/client localhost")
	for _, width := range []int64{1440, 390} {
		r.do(chromedp.EmulateViewport(width, 844))
		r.until("innerWidth === " + fmt.Sprint(width))
		r.until(`[...live.panes.values()].every(pane => {
			const box = pane.screen.getBoundingClientRect(), text = one(".xterm-screen", pane.box).getBoundingClientRect();
			return text.right <= box.right - 14 && text.right > box.right - 40 && text.bottom <= box.bottom;
		})`)
	}
}

// On a phone, a mark begins a line of its own if there is no room behind its command. It
// does not take the last letter of an option with it.
func TestMarksOnPhone(t *testing.T) {
	url, _ := openBook(t)
	base, token, _ := strings.Cut(url, "#")
	r := tab(t, base+"chapter07/#"+token)
	r.do(chromedp.EmulateViewport(390, 844))
	r.until("innerWidth === 390")
	broken := r.is(`(() => {
		for (const command of all("figure[data-block] .command"))
			showCommand({ ...command.closest("figure").dataset, command: command.dataset.command, state: "as printed" });
		const topOf = (line, at) => { // of the character there
			const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT), range = new Range();
			for (let text; text = texts.nextNode(); at -= text.length) {
				if (at >= text.length) continue;
				range.setStart(text, at);
				range.setEnd(text, at + 1);
				return Math.round(range.getBoundingClientRect().top);
			}
		};
		const isBroken = line => [...line.textContent.matchAll(/ -\w\b/g)].some(({ index }) => topOf(line, index + 1) !== topOf(line, index + 2));
		return all(".command .line").filter(isBroken).map(line => line.textContent).join("");
	})()`)
	if n := r.is(`all(".state").length`); broken != "" || n == "0" {
		t.Errorf("with %s marks, these lines are broken in an option:\n%s", n, broken)
	}
}

// The newest line in the list of messages is visible, even if it came before the lanes
// appeared. When the reader has scrolled up, the list stays there.
func TestSaidFollows(t *testing.T) {
	url, _ := openBook(t)
	r := tab(t, url)
	r.run("$ go run ./chapter07/client localhost")
	r.until(`!live.lanes.box.hidden`)
	const (
		said  = `live.lanes.said`
		hear  = `[...Array(100).keys()].forEach(n => live.lanes.add({ server: 1, client: 2, kind: "connects", at: 1e6 + n }))`
		atEnd = said + `.scrollTop > 500 && ` + said + `.scrollTop + ` + said + `.clientHeight > ` + said + `.scrollHeight - 2`
	)
	r.is(`(live.lanes.clear(), live.lanes.draw(), live.lanes.box.hidden)`)
	r.is(hear)
	r.until(atEnd)
	r.is("(" + said + ".scrollTop = 0)")
	r.until("!live.lanes.follows")
	r.is(hear)
	if at := r.is(said + ".scrollTop"); at != "0" {
		t.Errorf("the list moves to %s while the reader reads its beginning", at)
	}
}
