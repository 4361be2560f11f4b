//go:build !wasm

package book

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"fopnp/internal/check/chromium"
)

// A tab is a tab of a browser that reads the book.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string // the URL of the book, without the last slash

	mu     sync.Mutex
	faults []string
}

func TestMain(m *testing.M) {
	status := m.Run()
	chromium.Close()
	removeExport()
	os.Exit(status)
}

// open starts a server of the book and opens a tab. At the end of the test, every
// fault of a page fails the test: an exception, an error on the console, or a
// request that leaves the server.
func open(t *testing.T) *tab {
	t.Helper()
	ctx := chromium.NewTab(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	server := &http.Server{Handler: &Server{Book: loaded(t), Port: port}}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })

	tab := &tab{t: t, ctx: ctx, base: fmt.Sprintf("http://127.0.0.1:%d", port)}
	err = chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			tab.fault("exception: %s", e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			tab.fault("console: %v", e.Type)
		case *log.EventEntryAdded:
			tab.fault("log: %s %s", e.Entry.Text, e.Entry.URL)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, tab.base+"/") && e.Request.URL != "about:blank" {
				tab.fault("request: %s", e.Request.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range tab.faults {
			t.Error(f)
		}
	})
	return tab
}

func (tab *tab) fault(format string, a ...any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.faults = append(tab.faults, fmt.Sprintf(format, a...))
}

func (tab *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	if err := chromedp.Do(tab.ctx, steps...); err != nil {
		tab.t.Fatal(err)
	}
}

// visit opens a page in a window of the given width.
func (tab *tab) visit(address string, width int64) {
	tab.t.Helper()
	tab.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(tab.base+"/"+address))
}

// evaluate returns the value of a JavaScript expression, or what its promise
// resolves to.
func evaluate[T any](tab *tab, expression string) T {
	tab.t.Helper()
	value, err := chromedp.Run(tab.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tab.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// await waits until a JavaScript expression is true, also on the next page.
func (tab *tab) await(expression string) {
	tab.t.Helper()
	for {
		_, err := chromedp.Run(tab.ctx, chromedp.Poll[bool]("!!("+expression+")"))
		switch {
		case err == nil:
			return
		case errors.Is(err, chromedp.ErrPollingTimeout), tab.ctx.Err() != nil:
			tab.t.Fatalf("%s: %v", expression, err)
		}
		// The page on which we waited is gone.
	}
}

// pages has one or more pages of each kind.
var pages = []string{
	"index.html",
	"chapter07/index.html",
	"lecture/tincanchat/index.html",
	"chapter07/srv_threaded/index.html",
	"compare/srv_single--srv_threaded.html",
	"compare/index.html",
	"lecture/slides/calls_test.go.html",
	"print.html",
}

// In both themes and at the width of a phone, nothing is wider than the window, and
// axe finds no barrier for disabled readers.
func TestPages(t *testing.T) {
	t.Parallel()
	tab := open(t)
	axe, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		t.Log("axe-core is not checked, because the variable AXE does not name axe.min.js")
	}
	tab.visit("index.html", 1440)
	for _, address := range pages {
		for i, theme := range []string{"light", "dark"} {
			evaluate[chromedp.Void](tab, fmt.Sprintf("localStorage.setItem('theme', %q)", theme))
			// The page loads once at each width, and the reader then resizes the window
			// to the other.
			widths := []int64{1720, 390}
			if i > 0 {
				slices.Reverse(widths)
			}
			tab.visit(address, widths[0])
			for _, width := range widths {
				tab.do(chromedp.EmulateViewport(width, 900))
				if got := evaluate[int64](tab, "innerWidth"); got != width {
					t.Errorf("%s: the window is %d pixels wide, want %d", address, got, width)
				}
				where := fmt.Sprintf("%s, %s, %d pixels", address, theme, width)
				if got := evaluate[int64](tab, "document.documentElement.scrollWidth"); got > width {
					t.Errorf("%s: the page is %d pixels wide", where, got)
				}
				if got := evaluate[string](tab, "document.documentElement.dataset.theme"); got != theme {
					t.Errorf("%s: the theme is %q", where, got)
				}
				if axe == nil || address == "print.html" { // which only repeats other pages
					continue
				}
				// The page's Content-Security-Policy does not stop the
				// debugger's scripts.
				evaluate[chromedp.Void](tab, string(axe)+";0")
				for _, violation := range evaluate[[]string](tab, `axe.run(document).then(result => result.violations.map(v =>
					v.id + " (" + v.impact + "): " + v.nodes.map(n => n.target + " " + n.failureSummary).slice(0, 3).join(" | ")))`) {
					t.Errorf("%s: %s", where, violation)
				}
			}
		}
	}
}

// The lines of the prose have 60 to 75 characters, and the fonts are the book's.
func TestLines(t *testing.T) {
	t.Parallel()
	tab := open(t)
	tab.visit("chapter07/index.html", 1440)
	lengths := evaluate[[]int](tab, `document.fonts.ready.then(() => [...document.querySelectorAll(".prose > p")].flatMap(p => {
		const height = Math.round(p.clientHeight / parseFloat(getComputedStyle(p).lineHeight));
		return height > 2 ? [Math.round(p.textContent.length / (height - 0.5))] : [];
	}))`)
	if len(lengths) < 20 {
		t.Fatalf("only %d paragraphs are long enough", len(lengths))
	}
	slices.Sort(lengths)
	if middle := lengths[len(lengths)/2]; middle < 60 || middle > 75 {
		t.Errorf("a line has about %d characters", middle)
	}
	for _, font := range []string{"Book Serif", "Book Mono"} {
		if !evaluate[bool](tab, fmt.Sprintf("[...document.fonts].some(f => f.family.includes(%q) && f.status === 'loaded')", font)) {
			t.Errorf("%s is not loaded", font)
		}
	}
}

// slash presses /, which begins a search. A key event from the debugger would also
// type the slash.
func (tab *tab) slash() {
	tab.t.Helper()
	const press = `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "/", bubbles: true, cancelable: true}))`
	if evaluate[bool](tab, press) || !evaluate[bool](tab, "document.activeElement.type === 'search'") {
		tab.t.Fatal("/ does not begin a search")
	}
}

// A reader finds a section with the keyboard alone.
func TestSearch(t *testing.T) {
	t.Parallel()
	tab := open(t)
	tab.visit("chapter03/index.html", 1440)
	tab.slash()
	tab.do(chromedp.KeyEvent("nothing has thisword"))
	tab.await("document.querySelector('#found .none')")
	tab.do(chromedp.KeyEvent(kb.Escape))
	tab.await("document.querySelector('#found').hidden")
	tab.slash()
	tab.do(chromedp.KeyEvent("callbacks event loop"))
	tab.await("document.querySelector('#found b')")
	if got := evaluate[int](tab, "document.querySelectorAll('#found li').length"); got < 2 {
		t.Errorf("the search finds only %d places", got)
	}
	first := evaluate[string](tab, "document.querySelector('#found [aria-selected=true] b').textContent")
	if first != "Callbacks on an event loop" {
		t.Errorf("the search finds %q first", first)
	}
	tab.do(chromedp.KeyEvent(kb.ArrowDown))
	tab.await("document.querySelectorAll('#found li')[1].getAttribute('aria-selected') === 'true'")
	tab.do(chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.Enter))
	tab.await("location.pathname === '/chapter07/index.html' && location.hash === '#callbacks-on-an-event-loop' && document.querySelector(':target')")
}

// The theme follows the system until the reader chooses one. Paper is always light.
func TestThemes(t *testing.T) {
	t.Parallel()
	tab := open(t)
	ground := func() string {
		return evaluate[string](tab, "getComputedStyle(document.body).backgroundColor")
	}
	media := func(kind, scheme string) {
		tab.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Media: kind, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}))
	}
	const light, dark, paper = "rgb(255, 253, 249)", "rgb(22, 24, 28)", "rgb(255, 255, 255)"
	expect := func(what, want string) {
		t.Helper()
		if got := ground(); got != want {
			t.Errorf("%s: the ground is %s, want %s", what, got, want)
		}
	}
	media("screen", "light")
	tab.visit("index.html", 1440)
	expect("a light system", light)
	media("screen", "dark")
	expect("a dark system", dark)
	click := func() { tab.do(chromedp.Click(chromedp.CSS("button.theme"))) }
	click()
	expect("light is chosen on a dark system", light)
	media("screen", "light")
	click()
	expect("dark is chosen on a light system", dark)
	tab.visit("chapter03/index.html", 1440)
	expect("the next page", dark)
	media("print", "dark")
	expect("paper", paper)
	if got := evaluate[string](tab, "getComputedStyle(document.body).color"); got != "rgb(29, 28, 26)" {
		t.Errorf("on paper, the text is %s", got)
	}
	if got := evaluate[string](tab, "getComputedStyle(document.querySelector('.bar')).display + getComputedStyle(document.querySelector('#contents')).display"); got != "nonenone" {
		t.Errorf("on paper, the bar and the contents are %s", got)
	}
	media("screen", "light")
	click()
	expect("the system decides again", light)
}

// The button copies the commands of a transcript without their prompts and output,
// and other code as it is.
func TestCopy(t *testing.T) {
	t.Parallel()
	tab := open(t)
	tab.visit("chapter07/index.html", 1440)
	evaluate[chromedp.Void](tab, `Object.defineProperty(navigator, "clipboard", { value: { writeText: async text => { window.copied = text } } })`)
	copied := func(selector string) string {
		return evaluate[string](tab, fmt.Sprintf(`(() => { [...document.querySelectorAll(%q)].find(f => f.textContent.includes("head -c 8") || f.textContent.includes("HandleRequest receives")).querySelector("button.copy").click(); return window.copied })()`, selector))
	}
	if got, want := copied("figure.console"), "exec 3<>/dev/tcp/127.0.0.1/1060\nprintf 'Simple is better than?' >&3\nhead -c 8 <&3; echo\nexec 3>&-\n"; got != want {
		t.Errorf("copied %q, want %q", got, want)
	}
	if got := copied("figure.go"); !strings.HasPrefix(got, "// HandleRequest receives") || !strings.HasSuffix(got, "\n}\n") {
		t.Errorf("copied %q", got)
	}
}

// Without JavaScript, a page can be read and left, and shows no button that would do
// nothing.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	tab := open(t)
	tab.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	tab.visit("chapter07/index.html", 390)
	if got := evaluate[string](tab, "document.querySelector('.theme').textContent"); got != "Theme" {
		t.Fatalf("the script has run: the button shows %q", got)
	}
	if got := evaluate[int](tab, "[...document.querySelectorAll('button, input')].filter(e => e.checkVisibility()).length"); got != 0 {
		t.Errorf("%d buttons would do nothing", got)
	}
	const shows = "getComputedStyle(document.querySelector('#contents')).display"
	if got := evaluate[string](tab, shows); got != "none" {
		t.Errorf("the contents cover the page: %s", got)
	}
	tab.visit("chapter07/index.html#contents", 390)
	if got := evaluate[string](tab, shows); got != "block" {
		t.Errorf("the contents cannot be opened: %s", got)
	}
}

// A browser can open the exported book as files.
func TestFiles(t *testing.T) {
	t.Parallel()
	tab := open(t)
	folder := exported(t)
	tab.base = "file://" + filepath.ToSlash(folder)
	tab.visit("chapter07/index.html", 390)
	tab.slash()
	tab.do(chromedp.KeyEvent("glossary"))
	tab.await("document.querySelector('#found li[aria-selected=true]')")
	if evaluate[bool](tab, "document.querySelector('.run, #dock') !== null") {
		t.Error("an exported page can run something")
	}
	tab.do(chromedp.KeyEvent(kb.Escape), chromedp.Click(chromedp.CSS(".menu")))
	tab.await("getComputedStyle(document.querySelector('#contents')).display === 'block'")
	tab.do(chromedp.Click(chromedp.CSS("#contents .close")))
	tab.await("getComputedStyle(document.querySelector('#contents')).display === 'none'")
}

// On a phone, a drawing made of text and a table keep their layout. They scroll in
// their own boxes, and the page does not scroll sideways.
func TestPhone(t *testing.T) {
	t.Parallel()
	tab := open(t)
	tab.visit("playground/index.html", 390)
	for what, expression := range map[string]string{
		"the page fits": "document.documentElement.scrollWidth === 390",
		"the map scrolls": `(() => {
			const pre = all("pre").find(pre => pre.textContent.includes("┐"));
			const lines = pre.textContent.trimEnd().split("\n").length, height = parseFloat(getComputedStyle(pre).lineHeight);
			return pre.scrollWidth > pre.clientWidth && one("code", pre).clientHeight < (lines + 0.5) * height;
		})()`,
		"other transcripts wrap": `all(".console:not(.laid-out) pre").every(pre => pre.scrollWidth === pre.clientWidth)`,
		"the table scrolls":      `(table => table.scrollWidth > table.clientWidth)(all(".table").at(-1))`,
		"its words are whole": `all("td a").every(a => {
			const next = new Range(), { nextSibling } = a;
			if (nextSibling?.data?.[0] !== ",") return true;
			next.setStart(nextSibling, 0);
			next.setEnd(nextSibling, 1);
			return Math.abs(next.getBoundingClientRect().top - [...a.getClientRects()].at(-1).top) < 5;
		})`,
	} {
		if !evaluate[bool](tab, expression) {
			t.Errorf("it is not so that %s", what)
		}
	}
}
