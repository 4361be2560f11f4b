// Package fopnp has no code of its own. Its tests check what concerns the whole
// repository: the first page, the width of listings, and who imports whom. Each
// chapter tests its own programs and its own page.
package fopnp

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/weave"
)

func TestMain(m *testing.M) {
	weave.Main()
	os.Exit(progtest.Main(m))
}

func TestREADMEs(t *testing.T) {
	for _, page := range []string{"README.md", "lecture/README.md"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			weave.TestPage(t, page, nil)
		})
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

// A listing is complete without the tests, and without other listings: it may
// import the shared package of its own chapter, internal/py and internal/serve.
func TestImportsOfListings(t *testing.T) {
	list := exec.Command("go", "list", "-f", `{{.Name}} {{.ImportPath}} {{join .Imports " "}}`, "./...")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); words[0] == "main" {
			programs[words[1]] = true
		}
	}
	if len(programs) < 30 {
		t.Fatalf("go list found only %d programs", len(programs))
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		listing := programs[words[1]]
		for _, imported := range words[2:] {
			if programs[imported] {
				t.Errorf("%s imports the program %s", words[1], imported)
			}
			if listing && strings.HasPrefix(imported, "fopnp/internal/check") {
				t.Errorf("the listing %s imports the test package %s", words[1], imported)
			}
		}
	}
}
