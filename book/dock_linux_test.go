package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// While blocks run, in both themes and at the width of a phone, nothing is wider than the
// window, and axe finds no barrier for disabled readers.
func TestDock(t *testing.T) {
	url, _ := openBook(t)
	base, token, _ := strings.Cut(url, "#")
	axe, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		t.Log("axe-core is not checked, because the variable AXE does not name axe.min.js")
	}
	r := tab(t, base+"#"+token)
	for _, page := range []struct{ address, words, shows string }{
		{"chapter07/", "$ go run ./chapter07/client localhost", "client 1"},
		{"lecture/tincanchat/", "$ go run ./lecture/tincanchat/chat_server_poll &>server.log &", "client 1"},
		{"lecture/slides/", "$ go run ./lecture/slides/udpcli1", "client 1"},
	} {
		r.do(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(base+page.address))
		figure := fmt.Sprintf(`all("figure").find(f => one(".run", f) && f.textContent.includes(%q))`, page.words)
		r.is(figure + `.scrollIntoView({ block: "end", behavior: "instant" })`)
		r.run(page.words)
		r.until(figure + `.getBoundingClientRect().bottom < one("#dock").getBoundingClientRect().top`)
		r.until(fmt.Sprintf(`!one(".lanes").hidden && one(".chart").textContent.includes(%q)`, page.shows))
		if page.address == "chapter07/" {
			r.is(`all("#dock button").find(b => b.textContent === "Six clients").click()`)
			r.until(`one(".chart").textContent.includes("client 6")`)
		}
		for _, theme := range []string{"light", "dark"} {
			r.is(fmt.Sprintf("(setTheme(%q), document.dispatchEvent(new Event('theme')))", theme))
			for _, width := range []int64{1440, 390} {
				where := fmt.Sprintf("%s, %s, %d pixels", page.address, theme, width)
				r.do(chromedp.EmulateViewport(width, 900))
				r.until("innerWidth === " + fmt.Sprint(width))
				if got := r.is("document.documentElement.scrollWidth"); got != fmt.Sprint(width) {
					t.Errorf("%s: the page is %s pixels wide", where, got)
				}
				if wide := r.is(`all("#dock *").filter(e => !e.closest(".screen") && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className || e.tagName)`); wide != "" {
					t.Errorf("%s: these are cut: %s", where, wide)
				}
				r.screenshot(where)
				if axe == nil {
					continue
				}
				// The page's Content-Security-Policy does not stop the
				// debugger's scripts.
				if _, err := chromedp.Run(r.ctx, chromedp.Evaluate[chromedp.Void](string(axe)+";0")); err != nil {
					t.Fatal(err)
				}
				found, err := chromedp.Run(r.ctx, chromedp.Evaluate[[]string](`axe.run(document).then(result => result.violations.map(v =>
					v.id + " (" + v.impact + "): " + v.nodes.map(n => n.target + " " + n.failureSummary).slice(0, 3).join(" | ")))`, chromedp.EvalAwaitPromise))
				if err != nil {
					t.Fatalf("%s: %v", where, err)
				}
				for _, violation := range found {
					t.Errorf("%s: %s", where, violation)
				}
			}
		}
	}
}

// screenshot saves what the window shows, if the environment variable SCREENSHOTS
// names a folder.
func (r *reader) screenshot(name string) {
	folder := os.Getenv("SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(r.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, strings.NewReplacer("/", "-", ", ", "-", " ", "").Replace(name)+".png"), png, 0o666)
	}
	if err != nil {
		r.t.Error(err)
	}
}
