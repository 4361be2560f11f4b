package fopnp

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"fopnp/internal/literate"
	"fopnp/internal/progtest"
	"fopnp/internal/zenbench"
	"fopnp/internal/zenplot"
)

var update = flag.Bool("update", false, "rewrite the READMEs as they should read")

// The READMEs are the book: what they show of the code is the code, and what
// they show of the screen was run. See package literate for how they say so.
// After a change, go test . -update rewrites what has become out of date.
func TestREADMEs(t *testing.T) {
	root, err := progtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	book := &literate.Book{
		Root: root,
		Bin:  progtest.Bin(),
		Env:  []string{"GOCOVERDIR=" + progtest.Coverage()},
	}
	data, err := zenbench.Load("chapter07/bench")
	if err != nil {
		t.Fatal(err)
	}
	book.Measured = data.Say
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "README.md" {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			t.Parallel()
			weave(t, book, path, filepath.ToSlash(name))
		})
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// weave holds one README against the programs, or brings it up to date.
func weave(t *testing.T, book *literate.Book, path, name string) {
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	woven, problems := book.Weave(name, doc)
	for _, p := range problems {
		switch {
		case p.Skip:
			t.Log(p)
		case *update && p.Stale:
			t.Log("rewritten:", p)
		default:
			t.Error(p)
		}
	}
	if *update && string(woven) != string(doc) {
		if err := os.WriteFile(path, woven, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// The pictures are what is drawn from the data beside them.
func TestPictures(t *testing.T) {
	const folder = "chapter07/bench"
	data, err := zenbench.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	for name, draw := range zenplot.Pictures {
		svg, err := draw(data)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, svg) {
			continue
		}
		if !*update {
			t.Errorf("%s is not what the data show", path)
		} else if err := os.WriteFile(path, svg, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// A listing is read as a page: its lines have 80 columns, with tabs of four.
// Examples are read as well, other tests are not pages.
func TestPagesAreNarrow(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"chapter*/*/*.go", "lecture/*/*.go", "lecture/*/*/*.go"} {
		matches, err := filepath.Glob(pattern)
		if err != nil || matches == nil {
			t.Fatalf("%s: nothing is there (%v)", pattern, err)
		}
		pages = append(pages, matches...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(page, "_test.go") && !strings.Contains(string(text), "\nfunc Example") {
			continue
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.ReplaceAll(strings.TrimSuffix(line, "\n"), "\t", "    ")
			if columns := utf8.RuneCountInString(line); columns > 80 {
				t.Errorf("%s:%d: %d columns", page, n, columns)
			}
		}
	}
}

// The one transcript that cannot be run by go test is that of go test. It names
// every package, and says which have tests.
func TestPackagesInREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-f",
		`{{if or .TestGoFiles .XTestGoFiles}}ok{{else}}?{{end}} {{.ImportPath}}`, "./...")
	packages, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for line := range strings.Lines(string(readme)) {
		if word, rest, _ := strings.Cut(line, " "); word == "ok" || word == "?" {
			got = append(got, word+" "+strings.Fields(rest)[0])
		}
	}
	for line := range strings.Lines(string(packages)) {
		want = append(want, strings.TrimSpace(line))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("README.md shows other packages (-want +got):\n%s", diff)
	}
}
