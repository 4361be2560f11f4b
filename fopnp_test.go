// Package fopnp has no code of its own. Its tests check what concerns the whole
// repository: the first page, the width of listings, and who imports whom. Each
// chapter tests its own programs and its own page.
package fopnp

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// programs returns the names of all programs, and what each prints for -h.
func programs(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(progtest.Bin())
	if err != nil {
		t.Fatal(err)
	}
	help := map[string]string{}
	for _, entry := range entries {
		text, err := run(t, entry.Name(), "-h")
		if err != nil {
			t.Errorf("%s -h: %v", entry.Name(), err)
		}
		help[strings.TrimSuffix(entry.Name(), ".exe")] = text
	}
	if len(help) < 30 {
		t.Fatalf("there are only %d programs", len(help))
	}
	return help
}

// run runs a program, on whose input one line is typed, until it ends, and returns what it printed.
// The error is how it ended, if not with status 0. A program that does not end by
// itself is killed.
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
	for name, help := range programs(t) {
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
// connection, a TCP client gives up in time. The others have other things to say:
// a server that the port is taken, a UDP client that nobody replies.
func TestConnectingTakesTime(t *testing.T) {
	t.Parallel()
	port := progtest.FullBacklog(t)
	udp, err := net.ListenPacket("udp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	timeOption := regexp.MustCompile(`(?m)^  -t`)
	clients := 0
	for name, help := range programs(t) {
		if !timeOption.MatchString(help) || !strings.Contains(help, "\n  -p port ") {
			continue
		}
		args := []string{"127.0.0.1", "-p", port, "-t", "200ms"}
		if strings.Contains(help, "{client,server}") {
			args = append([]string{"client"}, args...)
		}
		out, err := run(t, name, args...)
		timedOut := name + ": connect to ('127.0.0.1', " + port + "): timed out\n"
		switch {
		case err == nil:
			t.Errorf("%s connected; it printed:\n%s", name, out)
		case strings.HasSuffix(out, timedOut):
			clients++
		case !regexp.MustCompile(`: (listen at .*: address already in use|no reply from .*: timed out)\n$`).MatchString(out):
			t.Errorf("%s: %v, it printed:\n%s", name, err, out)
		}
	}
	if clients < 7 {
		t.Errorf("only %d clients gave up in time", clients)
	}
}

// No two lines of servers mix, however long they are.
func TestWholeLines(t *testing.T) {
	t.Parallel()
	servers := 0
	for name, help := range programs(t) {
		args := []string{"127.0.0.1", "-p", "0"}
		switch {
		case !strings.Contains(help, "\n  -p port "):
			continue // it does not listen
		case strings.Contains(help, "{client,server}"):
			continue // it prints nothing long
		case strings.Contains(help, "\n  -H host "):
			args[0] = "-H127.0.0.1"
		}
		if !announces(t, name, args...) {
			continue // a client
		}
		servers++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			progtest.WholeLines(t, name, args...)
		})
	}
	if servers < 18 {
		t.Errorf("there are only %d servers", servers)
	}
}

// announces reports whether a program is a server: it announces its address.
func announces(t *testing.T, name string, args ...string) bool {
	t.Helper()
	server, err := progtest.Start(exec.Command(filepath.Join(progtest.Bin(), name), args...))
	if err != nil {
		return false
	}
	server.Kill()
	return true
}
