package weave

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// Main must be the first call of TestMain in a test that calls [TestPage]: the
// transcripts run on private networks, which need it.
func Main() { netns.Main() }

// TestPage weaves the page at path, which is relative to the module's root, and
// fails the test for every problem but transcripts that the system cannot run.
// With -update it rewrites what is out of date instead. Measured may be nil; see
// [Book]. TestMain must call [progtest.Main].
func TestPage(t *testing.T, path string, measured func(words ...string) (string, error)) {
	root, err := progtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	book := &Book{
		Root:     root,
		Bin:      progtest.Bin(),
		Env:      []string{"GOCOVERDIR=" + progtest.Coverage()},
		Measured: measured,
	}
	if progtest.Race { // which makes programs ten times slower
		book.Limit = 5 * time.Minute
	}
	document, err := book.Weave(path)
	if err != nil {
		t.Fatal(err)
	}
	page := document.Pages[0]
	for _, p := range page.Problems {
		switch {
		case p.Skip:
			t.Log(p)
		case *progtest.Update && p.Stale:
			t.Log("rewritten:", p)
		default:
			t.Error(p)
		}
	}
	woven := page.Woven()
	if *progtest.Update && string(woven) != string(page.Source) {
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(path)), woven, 0o644); err != nil {
			t.Error(err)
		}
	}
}
