package literate

import (
	"os"
	"path/filepath"
	"testing"

	"fopnp/internal/check/progtest"
)

// TestPage weaves the page at path, which is relative to the module's root, and
// fails the test for every problem. With -update it rewrites what is stale.
// Measured may be nil; see Book.
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
	file := filepath.Join(root, filepath.FromSlash(path))
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	woven, problems := book.Weave(path, doc)
	for _, p := range problems {
		switch {
		case p.Skip:
			t.Log(p)
		case *progtest.Update && p.Stale:
			t.Log("rewritten:", p)
		default:
			t.Error(p)
		}
	}
	if *progtest.Update && string(woven) != string(doc) {
		if err := os.WriteFile(file, woven, 0o644); err != nil {
			t.Error(err)
		}
	}
}
