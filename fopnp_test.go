// Package fopnp has no code of its own. Its tests check what concerns the whole
// repository: the first page, the width of listings, and who imports whom. Each
// chapter tests its own programs and its own page.
package fopnp

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/weave"
	"fopnp/internal/listings"
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
		if strings.HasPrefix(program, "fopnp/internal/") {
			continue // test.sh runs it
		}
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

// run runs a program until it ends, and returns what it printed. The error is how
// it ended, if not with status 0. A program that does not end by itself is killed.
func run(t *testing.T, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), progtest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(progtest.Bin(), name), args...)
	cmd.Stdin = strings.NewReader("hello\n")
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Errorf("%s %q did not end; it printed:\n%s", name, args, out)
	}
	return string(out), err
}

// Every option that is a time takes seconds and durations, and refuses what is
// no time: 1e-10 must not become 0, which is "no limit". The option is parsed
// before -h, which ends the program.
func TestTimeOptions(t *testing.T) {
	t.Parallel()
	option := regexp.MustCompile(`(?m)^  (-[td]|-\S+ seconds)\b`)
	found := 0
	for _, l := range listings.All {
		if !l.IsProgram() {
			continue
		}
		name := l.Name
		help, err := run(t, name, "-h")
		if err != nil {
			t.Errorf("%s -h: %v", name, err)
		}
		for _, match := range option.FindAllStringSubmatch(help, -1) {
			found++
			option := strings.Fields(match[1])[0]
			all := []string{option, "5", option, "0.1", option, "5s", option, "100ms", option, "0", "-h"}
			if out, err := run(t, name, all...); err != nil || out != help {
				t.Errorf("%s %q: %v, it printed:\n%s", name, all, err, out)
			}
			for _, word := range []string{"1e-10", "NaN", "Inf", "-1"} {
				out, err := run(t, name, option, word, "-h")
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 2 ||
					!strings.Contains(out, "\n"+name+": error: argument "+option+": ") {
					t.Errorf("%s %s %q: %v, it printed:\n%s", name, option, word, err, out)
				}
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d options are times", found)
	}
}

// The time of -t covers connecting. Where the kernel drops every request for a
// connection, a client gives up in time.
func TestConnectingTakesTime(t *testing.T) {
	t.Parallel()
	port := progtest.FullBacklog(t)
	clients := 0
	for _, l := range listings.On("", listings.Client, listings.Both) {
		if l.Network != "tcp" {
			continue
		}
		clients++
		out, err := run(t, l.Name, l.AskArgs("127.0.0.1", port, "-t", "200ms")...)
		timedOut := l.Name + ": connect to ('127.0.0.1', " + port + "): timed out\n"
		if err == nil || !strings.HasSuffix(out, timedOut) {
			t.Errorf("%s: %v, it printed:\n%s", l.Name, err, out)
		}
	}
	if clients < 7 {
		t.Errorf("there are only %d clients", clients)
	}
}
