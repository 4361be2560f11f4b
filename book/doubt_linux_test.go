package main

import (
	"fmt"
	"testing"
)

// The page says in words how exact the lanes are, and when they may be incomplete.
func TestDoubtOnPage(t *testing.T) {
	url, _ := openBook(t)
	r := tab(t, newBrowser(t), url)
	const says = `(() => {
		const lanes = new Lanes();
		for (const event of [%s]) lanes.add({ server: 1060, client: 5, ...event });
		lanes.draw();
		return one(".legend .doubt", lanes.box).textContent;
	})()`
	const served = `{ kind: "served", at: 10, doubt: 0.312 }, { kind: "idle", at: 20 }`
	for _, c := range []struct{ events, want string }{
		{`{ kind: "served", at: 10, doubt: 0.049 }`, ""},
		{served, "A change may have come up to 0.3 ms earlier or later than drawn."},
		{served + `, { kind: "waits", at: 99, doubt: 28.6 }`, "A change may have come up to 29 ms earlier or later than drawn."},
		{`{ kind: "idle", at: 10 }, { kind: "lost", client: 0, at: 11, size: 1 }`,
			"The book missed 1 packet, so clients and words may be missing."},
		{`{ kind: "lost", client: 0, at: 1, size: 40 }, { kind: "lost", client: 0, at: 2, size: 2 }, ` + served,
			"A change may have come up to 0.3 ms earlier or later than drawn. The book missed 42 packets, so clients and words may be missing."},
		{`{ kind: "lost", client: 0, at: 1, size: 40 }, { kind: "idle", at: 2 }, { kind: "gone", at: 3 }, { kind: "idle", client: 6, at: 9000 }`, ""}, // a new scene
	} {
		if got := r.is(fmt.Sprintf(says, c.events)); got != c.want {
			t.Errorf("after %s, the page says %q, want %q", c.events, got, c.want)
		}
	}
}
