// Package fopnp has no code of its own. Its tests check what concerns the whole
// repository: the first page, the terminal that it describes, the width of
// listings, the time options, and the imports. Each chapter tests its own
// programs and its own page.
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
	"time"
	"unicode/utf8"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/transcript"
	"fopnp/internal/check/weave"
	"fopnp/internal/listings"
	"fopnp/internal/netns"
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

// People read a listing as a page, so its lines have at most 80 columns, with
// tabs of four. They read Examples as well, but no other tests, and no packages
// in folders named internal.
func TestPagesAreNarrow(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"chapter*/*/*.go", "lecture/*/*.go", "lecture/*/*/*.go"} {
		matches, err := filepath.Glob(pattern)
		if err != nil || matches == nil {
			t.Fatalf("%s: no file matches (%v)", pattern, err)
		}
		pages = append(pages, matches...)
	}
	for _, page := range pages {
		if strings.Contains(filepath.ToSlash(page), "/internal/") {
			continue
		}
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
		if strings.HasPrefix(program, "fopnp/internal/") || program == "fopnp/book" {
			continue // it is no listing
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

// run runs a program until it ends, and returns what it printed. The error says
// how it ended, if not with status 0. If the program does not end on its own,
// run kills it.
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

// Every option whose value is a time accepts seconds and durations, and refuses
// everything else. For example, 1e-10 must not become 0, which means no limit
// where 0 is accepted. The calls end with -h, so the program parses the option
// and then ends.
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
			right := []string{"5", "0.1", "5s", "100ms"}
			wrong := []string{"1e-10", "NaN", "Inf", "-1"}
			if option == "-a" { // it must be more than 0, and at most 60 seconds
				wrong = append(wrong, "0", "61")
			} else {
				right = append(right, "0")
			}
			var all []string
			for _, word := range right {
				all = append(all, option, word)
			}
			all = append(all, "-h")
			if out, err := run(t, name, all...); err != nil || out != help {
				t.Errorf("%s %q: %v, it printed:\n%s", name, all, err, out)
			}
			for _, word := range wrong {
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

// The timeout of -t covers connecting: if the kernel drops every request for a
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
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel() // each waits for its timeout
			out, err := run(t, l.Name, l.AskArgs("127.0.0.1", port, "-t", "200ms")...)
			timedOut := l.Name + ": connect to ('127.0.0.1', " + port + "): timed out\n"
			if l.Name == "webclientFile" { // which names what the user has typed
				timedOut = l.Name + ": 127.0.0.1: timed out\n"
			}
			if err == nil || !strings.HasSuffix(out, timedOut) {
				t.Errorf("%v, it printed:\n%s", err, out)
			}
		})
	}
	if clients < 7 {
		t.Errorf("there are only %d clients", clients)
	}
}

// The timeout of -t covers looking up the server's name, too, in clients of TCP
// and of UDP: if no name server answers, a client gives up in time. Without the
// timeout, the system's resolver would wait longer than this test does. The name
// server is a creosote, which never answers, on a private network.
func TestLookingUpTakesTime(t *testing.T) {
	t.Parallel()
	if err := netns.Supported(); err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("mount"); err != nil {
		t.Skip(err)
	}
	const script = `
mount --bind resolv.conf /etc/resolv.conf || exit 77
mkfifo "$PIPE" && exec 3<>"$PIPE" || exit 77
creosote -H 127.0.0.1 -p 53 >&3 2>&1 & read ready <&3
[ "$ready" = "waiting on port: 53" ] || exit 77
exec "$@" <question`
	dir := t.TempDir()
	for name, text := range map[string]string{
		"resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n",
		"question":    "hello\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	udp := 0
	for _, l := range listings.On("", listings.Client, listings.Both) {
		if l.Name == "creosote" { // it has no -t
			continue
		}
		if l.Network == "udp" {
			udp++
		}
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel() // each waits for its timeout
			const host, port = "slow.example", "1060"
			out, err := os.Create(filepath.Join(dir, l.Name))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd := exec.Command("sh", append([]string{"-c", script, "sh", l.Name},
				l.AskArgs(host, port, "-t", "200ms")...)...)
			cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
			cmd.Env = append(os.Environ(), "PIPE="+l.Name+".pipe",
				"PATH="+progtest.Bin()+string(os.PathListSeparator)+os.Getenv("PATH"))
			network, err := netns.Start(cmd)
			if err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(progtest.Patience, network.Close)
			err = network.Wait()
			inTime := late.Stop()
			network.Close()
			printed, _ := os.ReadFile(out.Name())
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ExitCode() == 77 {
				t.Skipf("no name server of our own: %s", printed)
			}
			timedOut := l.Name + ": connect to ('" + host + "', " + port + "): timed out\n"
			if l.Name == "webclientFile" { // which names what the user has typed
				timedOut = l.Name + ": " + host + ": timed out\n"
			}
			if !inTime || err == nil || !strings.HasSuffix(string(printed), timedOut) {
				t.Errorf("in time: %v, %v, it printed:\n%s", inTime, err, printed)
			}
		})
	}
	if udp < 2 {
		t.Errorf("there are only %d clients of UDP", udp)
	}
}

// A client whose server's name has no address says so in one line, and exits
// with status 1.
func TestUnresolvableHost(t *testing.T) {
	t.Parallel()
	for _, l := range listings.On("", listings.Client, listings.Both) {
		if l.Network != "tcp" {
			continue
		}
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			const host, port = "nosuch.invalid", "1060"
			out, err := run(t, l.Name, l.AskArgs(host, port)...)
			what := `connect to \('` + regexp.QuoteMeta(host) + `', ` + port + `\)`
			if l.Name == "webclientFile" { // which names what the user has typed
				what = regexp.QuoteMeta(host)
			}
			line := regexp.MustCompile(`(?m)^` + l.Name + `: ` + what + `: (?:no such host|the name cannot be looked up)\n\z`)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !line.MatchString(out) || strings.Contains(out, "goroutine") {
				t.Errorf("%v, it printed:\n%s", err, out)
			}
		})
	}
}

// What readers type, and regular expressions for what the screen then shows.
const (
	serve       = `go run ./chapter07/srv_single '' &>server.log &`
	started     = `\[1\] (\d+)\n`
	untilReady  = `until grep -s Listening server.log || ! kill -0 $!; do :; done`
	ready       = `Listening at \('', 1060\)\n`
	terminated  = `\[1\]\+  Terminated +go run \./chapter07/srv_single '' &> server\.log\n`
	ask         = `go run ./chapter07/client localhost`
	answers     = `(?:b'\w+ is better than\?' b'\w+\.'\n){3}`
	untilNobody = `while (: </dev/tcp/127.0.0.1/1060) 2>/dev/null; do :; done`
	refused     = `client: connect to \('localhost', 1060\): connection refused\n`
)

// What the first page says about your own terminal is true: the test types it
// at a terminal, with the real go command.
func TestYourOwnTerminal(t *testing.T) {
	for _, claim := range []struct {
		name  string
		proof func(r *reader)
	}{
		{"Ctrl-C", func(r *reader) {
			// Ctrl-C reaches both the program and go run. Go run adds a line
			// only if the program dies of it.
			r.types("go run ./chapter07/srv_single ''", ready+`\^C\n`, ctrlC("Listening"))
			r.types(ask, refused+`exit status 1\n`)
			r.types("go run ./lecture/slides/tcpserv1 &>server.log &", started)
			r.types(`until ( : </dev/tcp/127.0.0.1/2345) 2>/dev/null; do :; done`, "")
			r.types("go run ./lecture/slides/tcpcli1", `Send: \^Csignal: interrupt\n`, ctrlC("Send: "))
		}},
		{"kill %1", func(r *reader) {
			r.types(serve, started)
			r.types(untilReady, ready)
			r.types("kill %1; wait %1", terminated)
			r.types(untilNobody, "")
			r.types(ask, refused+`exit status 1\n`)
		}},
		{"kill %1 %2", func(r *reader) {
			r.types(serve, started)
			r.types("go run ./chapter07/srv_single '' -p 1061 &>other.log &", `\[2\] \d+\n`)
			r.types(untilReady, ready)
			r.types("until grep -s Listening other.log; do :; done", `Listening at \('', 1061\)\n`)
			r.types("kill %1 %2; wait", `(?:\[[12]\][-+]  Terminated .*\n)*`) // wait may hide them
			r.types(untilNobody, "")
			r.types(strings.ReplaceAll(untilNobody, "1060", "1061"), "")
			r.types(ask, refused+`exit status 1\n`)
			r.types(ask+" -p 1061", `client: connect to .*: connection refused\nexit status 1\n`)
		}},
		{"wait", func(r *reader) {
			// Bash forgets a job once it has reported that the job ended.
			pid := r.types(serve, started)[1]
			r.types(untilReady, ready)
			r.types("kill %1; while kill -0 "+pid+" 2>/dev/null; do :; done", terminated)
			r.types("wait %1", `bash: wait: %1: no such job\n`)
		}},
		{"the process id of go run", func(r *reader) {
			r.seesProcesses()
			pid := r.types(serve, started)[1]
			r.types(untilReady, ready)
			r.types("pgrep -l -P "+pid, `\d+ srv_single\n`)
			r.types("kill "+pid+"; wait %1", terminated)
			r.types(ask, answers)
			r.types("pkill srv_single", "")
			r.types(untilNobody, "")
		}},
		{"the process id of a built program", func(r *reader) {
			r.seesProcesses()
			r.types("go build -o bin/ ./chapter07/srv_single", "")
			pid := r.types("bin/srv_single '' &>server.log &", started)[1]
			r.types(untilReady, ready)
			r.types("pgrep -l -P "+pid, "")
			r.types("kill "+pid+"; wait %1", `\[1\]\+  Done .*\n`)
			r.types(ask, refused+`exit status 1\n`)
		}},
		{"wait and go run", func(r *reader) {
			// The server is suspended, and wait returns all the same. But when
			// go run is gone, the kernel resumes a suspended server, so the
			// server may have ended before we look. Then we try again with
			// another server.
			r.seesProcesses()
			for try := 1; ; try++ {
				r.types(serve, started)
				r.types(untilReady, ready)
				r.types("pkill -STOP srv_single", "")
				r.types("kill %1; wait %1", terminated)
				left := r.types("pgrep -l srv_single", `(?:\d+ srv_single\n)?`)[0]
				r.types("pkill -CONT srv_single", "")
				r.types(untilNobody, "")
				if left != "" {
					return
				} else if try == 20 {
					r.Fatal("no server has outlived its go run")
				}
			}
		}},
		{"another folder", func(r *reader) {
			r.types("cd chapter07; "+ask, `stat .*: directory not found\n`)
			r.types("cd ../..; "+ask, `go: go.mod file not found .*\n`)
		}},
	} {
		t.Run(claim.name, func(t *testing.T) {
			t.Parallel()
			claim.proof(sit(t))
		})
	}
}

func ctrlC(after string) transcript.Key { return transcript.Key{After: after, Typed: "\x03"} }

// A reader sits at a terminal.
type reader struct {
	*testing.T
	session *transcript.Session
}

func sit(t *testing.T) *reader {
	t.Helper()
	root, err := progtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	home, err := transcript.Config{Root: root, Terminal: true}.NewHome()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(home.Remove)
	session, err := home.Start(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.End() }) // what ran in the background may have failed
	return &reader{t, session}
}

// types types a command, and keys while it runs. All that the screen then shows
// must match want. It returns the match and its groups.
func (r *reader) types(command, want string, keys ...transcript.Key) []string {
	r.Helper()
	screen, err := r.session.Type(command, keys...)
	match := regexp.MustCompile("^(?:" + want + ")$").FindStringSubmatch(screen)
	if err != nil || match == nil {
		r.Fatalf("after %q the screen shows %q (%v), want %s", command, screen, err, want)
	}
	return match
}

// seesProcesses mounts a /proc with the session's own process ids, because
// pgrep looks there. Otherwise, /proc has the host's ids.
func (r *reader) seesProcesses() {
	r.Helper()
	r.types(`exec unshare --mount sh -c 'mount -t proc proc /proc; exec bash --norc --noprofile -i'`, ".*\n?")
	if screen, err := r.session.Type("cat /proc/$$/comm"); err != nil || screen != "bash\n" {
		r.Skipf("the system does not let us mount /proc: %q (%v)", screen, err)
	}
}
