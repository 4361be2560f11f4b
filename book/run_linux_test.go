package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// openBook starts the book and returns its address, with the token, and its process.
func openBook(t testing.TB) (url string, process *os.Process) {
	t.Helper()
	if err := netns.Supported(); err != nil {
		t.Skip(err)
	}
	cmd := command(t, "..", "-p", "0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	m := regexp.MustCompile(`http://\S+/#token=\S+`).FindString(line)
	if m == "" {
		t.Fatalf("the book printed %q", line)
	}
	return m, cmd.Process
}

// A reader is a tab of Chromium.
type reader struct {
	t   testing.TB
	ctx context.Context
}

func newBrowser(t testing.TB) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 1000),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	return ctx
}

// tab opens a page in a new tab.
func tab(t testing.TB, browser context.Context, url string) *reader {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	r := &reader{t, ctx}
	r.do(chromedp.Navigate(url))
	return r
}

func (r *reader) do(steps ...chromedp.Action[chromedp.Void]) {
	r.t.Helper()
	if err := chromedp.Do(r.ctx, steps...); err != nil {
		r.t.Fatal(err)
	}
}

// is returns the value of a JavaScript expression, as text.
func (r *reader) is(expression string) string {
	r.t.Helper()
	value, err := chromedp.Run(r.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		r.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// until waits until a JavaScript expression is true. The page itself looks, every 10 ms.
func (r *reader) until(expression string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, 2*time.Minute)
	defer cancel()
	wait := "(async () => { while (!(" + expression + ")) await new Promise(next => setTimeout(next, 10)); return true; })()"
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](wait, chromedp.EvalAwaitPromise)); err != nil {
		r.t.Fatalf("not so: %s (%v); the terminals show\n%s\n%s", expression, err, r.is(screens), r.is("one('#dock').textContent"))
	}
}

// screens is a JavaScript expression for what all terminals of the page show.
const screens = `[...live.panes.values()].map(pane => {
	const buffer = pane.terminal.buffer.active, lines = [];
	for (let i = 0; i < buffer.length; i++) lines.push(buffer.getLine(i).translateToString(true));
	return lines.join("\n");
}).join("\n")`

// run clicks Run at the block whose text contains words, and waits until it has ended.
func (r *reader) run(words string) {
	r.t.Helper()
	button := fmt.Sprintf(`all(".run").find(b => b.closest("figure").textContent.includes(%q))`, words)
	r.is(button + ".click()")
	r.until(button + ".disabled === false")
}

// In a browser, the reader runs a client of each architecture of chapter 7. Each command
// prints what is on the page, the terminals show it, and the lanes show the client.
func TestRunInBrowser(t *testing.T) {
	url, _ := openBook(t)
	base, token, _ := strings.Cut(url, "#")
	browser := newBrowser(t)
	r := tab(t, browser, base+"chapter07/#"+token)
	if at := r.is("location.href"); strings.Contains(at, "token") {
		t.Errorf("the token stays in the address: %s", at)
	}
	for _, server := range []string{"srv_single", "srv_threaded", "srv_async", "srv_asyncio1", "srv_asyncio2", "srv_legacy1", "srv_legacy2"} {
		// The section's last block runs all of them.
		last := r.is(fmt.Sprintf(`(() => {
			const figures = all("figure[data-block]");
			const starts = figures.find(f => f.textContent.includes("./chapter07/%s ''"));
			if (!starts) return "none";
			const last = figures.findLast(f => f.dataset.section === starts.dataset.section);
			one(".run", last).click();
			return last.dataset.block;
		})()`, server))
		if last == "none" {
			t.Errorf("no block of chapter 7 starts %s", server)
			continue
		}
		begin := time.Now()
		r.until(fmt.Sprintf(`!one("figure[data-block='%s'] .run").disabled`, last))
		t.Logf("%s: %v from the click to the last transcript", server, time.Since(begin).Round(time.Millisecond))
		section := fmt.Sprintf(`one("figure[data-block='%s']").dataset.section`, last)
		if wrong := r.is(`all(".command .state").filter(s => s.dataset.state !== "as-printed" ).map(s => s.closest("figure").textContent).join("\n")`); wrong != "" {
			t.Errorf("%s: not as printed:\n%s", server, wrong)
		}
		if left := r.is(`all("figure[data-section='" + ` + section + ` + "'] .command").filter(c => !one(".state", c)).length`); left != "0" {
			t.Errorf("%s: %s commands have not run", server, left)
		}
		r.until(`!one(".lanes").hidden && one(".chart text").textContent.startsWith("client ") && all(".said li").length > 2`)
		if !strings.Contains(r.is(screens), server) {
			t.Errorf("%s: no terminal shows it:\n%s", server, r.is(screens))
		}
	}
}

// A teacher clicks through chapter 7 from top to bottom. Every block says that it
// printed what is on the page. Some blocks need haproxy, inetd and other programs.
func TestWholeChapter(t *testing.T) {
	if !progtest.All() {
		t.Skip("only with -all")
	}
	url, _ := openBook(t)
	base, token, _ := strings.Cut(url, "#")
	r := tab(t, newBrowser(t), base+"chapter07/#"+token)
	sections := strings.Fields(r.is(`[...new Set(all("figure[data-block]").filter(f => one(".run", f)).map(f => f.dataset.section))].join(" ")`))
	if len(sections) < 10 {
		t.Fatalf("chapter 7 has only %d sections with blocks that run", len(sections))
	}
	for _, section := range sections {
		blocks := `all("figure[data-section='` + section + `']").filter(f => one(".run", f))`
		r.is(`one(".run", ` + blocks + `.at(-1)).click()`)
		r.until(`!one(".run", ` + blocks + `.at(-1)).disabled`)
		if wrong := r.is(blocks + `.flatMap(f => all(".command", f)).filter(c => one(".state", c)?.dataset.state !== "as-printed").map(c => c.closest("figure").textContent).join("\n")`); wrong != "" {
			t.Errorf("section %s: not as printed:\n%s", section, wrong)
		}
	}
	t.Logf("%d sections as printed", len(sections))
}

// Two readers run servers at port 1060 at the same time. When one closes or
// reloads its tab, nothing of its session is left, and the other session goes
// on.
func TestTwoReaders(t *testing.T) {
	url, book := openBook(t)
	base, token, _ := strings.Cut(url, "#")
	browser := newBrowser(t)
	first := tab(t, browser, base+"#"+token)
	second, closeSecond := chromedp.NewContext(first.ctx)
	defer closeSecond()
	other := &reader{t, second}
	other.do(chromedp.Navigate(base)) // the token is in the browser's storage
	const ask = "$ go run ./chapter07/client localhost"
	for _, r := range []*reader{first, other} {
		r.run(ask)
		if n := r.is(`all(".state[data-state='as-printed']").length`); n != "2" {
			t.Errorf("%s commands printed what is on the page, want 2", n)
		}
	}
	if n := servers(t, book.Pid); n != 2 {
		t.Errorf("%d servers run, want 2", n)
	}
	first.do(chromedp.Reload())
	untilServers(t, book.Pid, 1)
	closeSecond()
	untilServers(t, book.Pid, 0)
}

// servers counts the srv_single of a book.
func servers(t *testing.T, book int) (n int) {
	t.Helper()
	for _, pid := range kernel.Descendants(book) {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if strings.TrimSpace(string(name)) == "srv_single" {
			n++
		}
	}
	return n
}

func untilServers(t *testing.T, book, want int) {
	t.Helper()
	progtest.Until(t, fmt.Sprintf("%d servers run", want), func() bool { return servers(t, book) == want })
}

// A page of another server, on this machine or elsewhere, embeds the book in a frame, to
// trick the reader into clicking Run there. The browser does not show the frame, even if
// its request has no headers about the outer page, as with old browsers.
func TestFrame(t *testing.T) {
	url, _ := openBook(t)
	base, _, _ := strings.Cut(url, "#")
	at, err := neturl.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	old := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		for name := range r.Out.Header { // what the browser says about the page
			if strings.HasPrefix(name, "Sec-") {
				r.Out.Header.Del(name)
			}
		}
	}}
	proxy := httptest.NewServer(old)
	defer proxy.Close()
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<script>shown = 0</script><iframe src="%s" onload="shown++"></iframe><iframe src="%s" onload="shown++"></iframe>`,
			url, proxy.URL)
	}))
	defer evil.Close()
	browser, cancel := chromedp.NewContext(newBrowser(t))
	defer cancel()
	var mu sync.Mutex
	var requests []string
	r := &reader{t, browser}
	r.do(chromedp.Navigate("about:blank"))
	err = chromedp.Listen(browser, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			mu.Lock()
			defer mu.Unlock()
			requests = append(requests, e.Request.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r.do(chromedp.Navigate(evil.URL))
	r.until("shown === 2")
	r.is("fetch('/end').then(() => 1)")
	r.until("performance.getEntriesByType('resource').some(e => e.name.endsWith('/end'))")
	mu.Lock()
	defer mu.Unlock()
	if n := len(requests); n < 3 || slices.ContainsFunc(requests, func(url string) bool { return strings.Contains(url, "/assets/") }) {
		t.Errorf("a frame shows the book: the browser asked for %q", requests)
	}
}

// The book listens on this machine's loopback only.
func TestLoopbackOnly(t *testing.T) {
	url, _ := openBook(t)
	port := regexp.MustCompile(`:(\d+)/`).FindStringSubmatch(url)[1]
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		ip, _, err := net.ParseCIDR(a.String())
		if err != nil || ip.IsLoopback() && ip.To4() != nil || ip.IsLinkLocalUnicast() {
			continue
		}
		if conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), port), time.Second); err == nil {
			conn.Close()
			t.Errorf("the book listens at %v", ip)
		}
	}
}

// In a browser, a block of the playground runs at a terminal on its host, and the reader's
// own terminal is there, too. When the reader closes the dock, all hosts are gone.
func TestPlaygroundInBrowser(t *testing.T) {
	url, book := openBook(t)
	base, token, _ := strings.Cut(url, "#")
	r := tab(t, newBrowser(t), base+"playground/#"+token)
	before := len(kernel.Descendants(book.Pid))
	r.run("$ traceroute -n -q 1 www.example.com")
	if n := r.is(`all(".state[data-state='as-printed']").length`); n != "2" {
		t.Errorf("%s commands printed what is on the page, want 2:\n%s", n, r.is(screens))
	}
	r.is(`all("#dock button").find(b => b.textContent === "+ Terminal").click()`)
	r.until(`live.panes.size === 2`)
	if got := r.is(`all(".pane").map(p => p.getAttribute("aria-label"))`); got != "shell on h1,terminal on h1" {
		t.Errorf("the terminals are %s", got)
	}
	r.until(screens + `.includes("h1$ ")`)
	if got := r.is("live.note.textContent"); !strings.Contains(got, "on h1, in a playground of your own") {
		t.Errorf("the page says %q", got)
	}
	if n := len(kernel.Descendants(book.Pid)) - before; n < 12 {
		t.Errorf("only %d processes are there for twelve hosts", n)
	}
	r.is("live.close()")
	progtest.Until(t, "no process is left", func() bool { return len(kernel.Descendants(book.Pid)) <= before })
}
