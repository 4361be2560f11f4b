//go:build !wasm

package chromium

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// limit is how long a test may use its tab.
const limit = 5 * time.Minute

// NewTab opens an empty tab in a window of its own, and starts the browser if this is
// the first. Tabs share their cookies, so a test must not need any. They share their
// storage only with pages of the same port, so each test has a server of its own. The
// tab is closed when the test ends. NewTab skips the test if there is no Chromium.
func NewTab(t testing.TB) context.Context {
	t.Helper()
	browser, err := start()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("chromium is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(browser, limit)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

var (
	start = sync.OnceValues(startBrowser)
	stop  = func() {} // set by start
)

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
	ctx, stopBrowser := chromedp.NewContext(ctx)
	stop = func() {
		stopBrowser()
		stopAllocator()
	}
	return ctx, chromedp.Do(ctx)
}

// Close ends the browser. A package's TestMain calls it after its tests.
func Close() { stop() }
