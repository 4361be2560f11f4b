package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkClick measures the time from the click on Run until the page says "as
// printed", for the first block of chapter 7 that asks a server. The section starts that
// server first. The programs are built, and the page has shown terminals before.
func BenchmarkClick(b *testing.B) {
	url, _ := openBook(b)
	base, token, _ := strings.Cut(url, "#")
	r := tab(b, base+"chapter07/#"+token)
	const ask = "$ go run ./chapter07/client localhost"
	r.run(ask)
	r.is(fmt.Sprintf(`window.figure = all("figure").find(f => one(".run", f) && f.textContent.includes(%q))`, ask))
	var times []float64
	for b.Loop() {
		// The old mark disappears, and then the new one appears.
		r.is(`(() => {
			let gone = false;
			const begin = performance.now();
			window.took = 0;
			const watcher = new MutationObserver(() => {
				const state = one(".state", figure)?.dataset.state;
				gone ||= !state;
				if (gone && state === "as-printed") {
					window.took = performance.now() - begin;
					watcher.disconnect();
				}
			});
			watcher.observe(figure, { childList: true, subtree: true });
			one(".run", figure).click();
		})()`)
		r.until(`took > 0 && !one(".run", figure).disabled`)
		ms, err := strconv.ParseFloat(r.is("took"), 64)
		if err != nil {
			b.Fatal(err)
		}
		times = append(times, ms)
	}
	slices.Sort(times)
	b.ReportMetric(times[0], "best-ms")
	b.ReportMetric(times[len(times)/2], "median-ms")
	b.ReportMetric(0, "ns/op")
}
