//go:build !wasm

// Package chromium gives each test a tab of Chromium. All tests of a package share one
// browser and its tabs, because starting it, or opening a window, takes most of the
// time of a short test.
package chromium

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

const (
	limit    = 5 * time.Minute  // how long a test may use its tab
	patience = 10 * time.Second // how long the browser may take to end
	tabs     = 2                // more would only slow each other down
)

// NewTab returns the context of an empty tab in a window of its own, and starts the
// browser if this is the first. When the test ends, the next one gets the tab, without
// what the test has set there. Tabs share their cookies, so a test must not need any.
// They share their storage only with pages of the same port, so each test has a server
// of its own. If all tabs are in use, NewTab waits for one, so a test must not ask for
// a second. NewTab skips the test if there is no Chromium.
func NewTab(t testing.TB) context.Context {
	t.Helper()
	browser, err := start()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("chromium is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	id := <-free
	if id == "" {
		if id, err = openTab(browser); err != nil {
			free <- ""
			t.Fatal(err)
		}
	}
	ctx, stopTimer := context.WithTimeout(browser, limit)
	ctx, leave := chromedp.NewContext(ctx, chromedp.WithTargetID(id), chromedp.WithDetachOnCancel())
	t.Cleanup(func() {
		err := chromedp.Do(ctx, chromedp.Navigate("about:blank"))
		leave() // with this, the browser forgets the width of the window, the theme, and so on
		stopTimer()
		if err != nil {
			id = "" // the next test gets another tab
		}
		free <- id
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

var (
	free  = make(chan target.ID, tabs) // those that no test uses; "" is one that is not open yet
	start = sync.OnceValues(startBrowser)
	stop  = func() {} // set by start
)

// openTab opens a tab that stays open until Close.
func openTab(browser context.Context) (target.ID, error) {
	ctx, cancel := chromedp.NewContext(browser)
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		return "", err
	}
	return chromedp.FromContext(ctx).Target.TargetID, nil
}

func startBrowser() (context.Context, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.WindowSize(1440, 1000),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-proxy-server", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	stop = func() {
		closing, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		chromedp.Cancel(closing) // a browser that is only killed leaves files behind
		stopAllocator()
	}
	if err := chromedp.Do(ctx); err != nil {
		return nil, err
	}
	free <- chromedp.FromContext(ctx).Target.TargetID // the tab that it has at first
	for range tabs - 1 {
		free <- ""
	}
	return ctx, nil
}

// Close ends the browser. A package's TestMain calls it after its tests.
func Close() { stop() }
