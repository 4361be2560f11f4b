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
	for _, page := range []string{"README.md", "CONTRIBUTING.md", "lecture/README.md"} {
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

// A listing does not depend on the tests, not even through another package, and
// nothing imports a listing. A listing may depend on the packages of its own
// chapter, on internal/py and on internal/serve.
func TestImportsOfListings(t *testing.T) {
	progtest.Bin() // or go test would not see that the sources have changed
	list := exec.Command("go", "list", "-f", `{{.Name}} {{.ImportPath}} {{join .Imports " "}}`, "./...")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string][]string{}
	programs := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		imports[words[1]] = words[2:]
		if words[0] == "main" {
			programs[words[1]] = true
		}
	}
	if len(programs) < 30 {
		t.Fatalf("go list found only %d programs", len(programs))
	}
	for importer, imported := range imports {
		for _, name := range imported {
			if programs[name] {
				t.Errorf("%s imports the program %s", importer, name)
			}
		}
	}
	for program := range programs {
		if chain := chainOfImports(imports, program, "fopnp/internal/check"); chain != nil {
			t.Errorf("a listing depends on the tests: %s", strings.Join(chain, " imports "))
		}
	}
}

// chainOfImports returns packages, each imported by the one before it, that lead
// from a package to one whose path begins with prefix. It returns nil if none do.
func chainOfImports(imports map[string][]string, from, prefix string) []string {
	seen := map[string]bool{}
	var follow func(name string) []string
	follow = func(name string) []string {
		if strings.HasPrefix(name, prefix) {
			return []string{name}
		}
		if seen[name] {
			return nil
		}
		seen[name] = true
		for _, imported := range imports[name] {
			if chain := follow(imported); chain != nil {
				return append([]string{name}, chain...)
			}
		}
		return nil
	}
	return follow(from)
}
