//go:build unix || windows

package script

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fopnp/internal/check/progtest"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { os.Exit(progtest.Main(m)) }

// Each of these scripts is wrong. A command must fail it, and the log must say
// why.
func TestScriptsThatMustFail(t *testing.T) {
	t.Parallel()
	mustFail(t, map[string]wrong{
		"left running":    {"serve srv_single 127.0.0.1 -p 0", "still ran at the end"},
		"not a server":    {"serve client 127.0.0.1 -p 1", "never printed"},
		"not started":     {"terminate srv_single", "was not started"},
		"waits in vain":   {"serve srv_single nosuch.invalid -p 0", "never printed"},
		"other lines":     {"serve srv_single 127.0.0.1 -p 0\nterminate srv_single\ntranscript stdout want\n-- want --\nListening at ('', 41284)", "is not want"},
		"other answers":   {"serve srv_single 127.0.0.1 -p 0\nconnect a\nsay a Why?\nhear a Because.................\nterminate srv_single", "want \"Because"},
		"no answer came":  {"serve srv_single 127.0.0.1 -p 0\nconnect a\nleave a\nhear a Ugly.\nterminate srv_single", "want \"Ugly.\""},
		"another reply":   {"serve udpserv1 -p 0\ndatagram a\nreply B\nterminate udpserv1", `the reply is "A", want "B"`},
		"another status":  {"serve echo_server -p 0\nconnect a\nleave a\nexits echo_server 1", "echo_server exited with status 0, want 1"},
		"asked for twice": {"serve srv_single 127.0.0.1 -p 0\nserve srv_single 127.0.0.1 -p 0", "is already running"},
	})
}

// A wrong is a script that must fail, with a log that contains want.
type wrong struct{ script, want string }

func mustFail(t *testing.T, scriptsByName map[string]wrong) {
	for name, test := range scriptsByName {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "wrong.txtar"), []byte(test.script), 0o644); err != nil {
				t.Fatal(err)
			}
			var r result
			r.run(func() { testscript.RunT(&r, scripts(folder, false)) })
			if !r.failed || !strings.Contains(r.log.String(), test.want) {
				t.Errorf("failed: %v, want a failure that says %q:\n%s", r.failed, test.want, r.log.String())
			}
		})
	}
}

// With -update, a script is rewritten only where it differs from what happens.
// A log stays as it is if only its ports differ.
func TestUpdate(t *testing.T) {
	t.Parallel()
	const script = `# A page.
serve srv_single 127.0.0.1 -p 0
connect a
leave a
await srv_single closed
terminate srv_single
transcript stdout same.log
transcript stdout other.log
! exec client -x
cmp stderr usage

-- same.log --
Listening at ('127.0.0.1', 41284)
Accepted connection from ('127.0.0.1', 41285)
Client socket to ('127.0.0.1', 41285) has closed
-- other.log --
Listening at ('127.0.0.1', 41284)
-- usage --
-- unused --
kept
`
	folder := t.TempDir()
	file := filepath.Join(folder, "page.txtar")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	var updated result
	updated.run(func() { testscript.RunT(&updated, scripts(folder, true)) })
	if updated.failed {
		t.Fatalf("the update failed:\n%s", updated.log.String())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kept, _, _ := strings.Cut(script, "-- other.log --\n")
	want := regexp.MustCompile("^" + regexp.QuoteMeta(kept) + `-- other.log --
Listening at \('127.0.0.1', \d+\)
Accepted connection from \('127.0.0.1', \d+\)
Client socket to \('127.0.0.1', \d+\) has closed
-- usage --
usage: client [^\n]*
client: error: [^\n]*
-- unused --
kept
$`)
	if !want.Match(text) {
		t.Errorf("the script is now\n%s\nand should match\n%s", text, want)
	}
	var again result
	again.run(func() { testscript.RunT(&again, scripts(folder, false)) })
	if again.failed {
		t.Errorf("the updated script fails:\n%s", again.log.String())
	}
}

// A script fails if it compares with a file that is not its own, because that
// file cannot be updated.
func TestUpdateOfOtherFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	script := "cp have made\ntranscript have made\ncp other made\ntranscript have made\n-- have --\na\n-- other --\nb\n"
	if err := os.WriteFile(filepath.Join(folder, "page.txtar"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	var r result
	r.run(func() { testscript.RunT(&r, scripts(folder, true)) })
	if want := "cannot update made"; !r.failed || !strings.Contains(r.log.String(), want) {
		t.Errorf("failed: %v, want a failure that says %q:\n%s", r.failed, want, r.log.String())
	}
}

// A result is a testscript.T that records the outcome of a script.
type result struct {
	log    strings.Builder
	failed bool
}

// A result panics with stopped where testing.T would end its goroutine.
type stopped struct{}

// run runs a script until it ends or fails.
func (r *result) run(script func()) {
	defer func() {
		if problem := recover(); problem != nil && problem != (stopped{}) {
			panic(problem)
		}
	}()
	script()
}

func (r *result) Run(_ string, f func(testscript.T)) { r.run(func() { f(r) }) }
func (r *result) Parallel()                          {}
func (r *result) Verbose() bool                      { return false }
func (r *result) Log(args ...any)                    { fmt.Fprintln(&r.log, args...) }
func (r *result) Skip(args ...any)                   { panic(stopped{}) }
func (r *result) FailNow()                           { r.failed = true; panic(stopped{}) }
func (r *result) Fatal(args ...any)                  { r.Log(args...); r.FailNow() }
