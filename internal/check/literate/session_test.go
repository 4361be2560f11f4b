package literate

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func needsBash(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no bash")
	}
}

func needsNetwork(t *testing.T) {
	t.Helper()
	needsBash(t)
	if !isolate(exec.Command("bash"), false) {
		t.Skip("no network of one's own here")
	}
}

// console is a document of one console block.
func console(lines ...string) []byte {
	return []byte("```console\n" + strings.Join(lines, "\n") + "\n```\n")
}

// weave returns the problems of a document of one console block.
func weave(b *Book, lines ...string) string {
	_, problems := b.Weave("README.md", console(lines...))
	return list(problems)
}

// fifo makes a named pipe. It is how tests here wait for programs, and learn
// that none is left.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v: %s", err, out)
	}
	return path
}

// Both kinds of session, with a network of its own and without.
func TestSessions(t *testing.T) {
	needsBash(t)
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared=%v", shared), func(t *testing.T) {
			t.Parallel()
			for _, test := range []struct {
				name  string
				lines []string
				want  string // a regular expression
			}{
				{"a log and a program", []string{
					"$ tiny grumble > tiny.log &",
					"$ cat tiny.log; kill %1; wait %1 || true",
					"waiting to be told to go",
					"tiny: not like this",
				}, "^README.md:2: the program in the background exited with status 1\n$"},
				{"an old announcement, added to", []string{
					"$ echo Listening > tiny.log",
					"$ tiny cough 2>>tiny.log &",
				}, `^README.md:3: exited with status 1 before it was ready\ntiny: cannot cough\n$`},
				{"two programs at once", []string{
					"$ tiny grumble > 1.log 2>&1 & tiny grumble > 2.log 2>&1 &",
					"$ until grep -qs waiting 1.log; do :; done",
				}, `^(README.md:2: the program in the background exited with status 1\n){2}$`},
				{"a crash in a file", []string{
					"$ tiny panic 2> crash.log || true",
				}, `^README.md:1: crash.log of the session holds "panic:"\n out of tea\n(?s:.*)$`},
				{"what speaks of crashes only", []string{
					"$ printf 'panic:\\0' > program",
					"$ grep -c panic: notes.txt",
					"1",
				}, `^$`},
				{"a crash on the screen", []string{
					"$ echo WARNING: DATA RACE; exit",
				}, `^README.md:1: the output of the session holds "WARNING: DATA RACE"\nREADME.md:2: has ended the shell\n$`},
			} {
				t.Run(test.name, func(t *testing.T) {
					b := library(t, map[string]string{"notes.txt": "about panic: do not\n"})
					b.shared = shared
					got := weave(b, test.lines...)
					if !regexp.MustCompile(test.want).MatchString(got) {
						t.Errorf("the problems are\n%s\nand should match %s", got, test.want)
					}
				})
			}
		})
	}
}

// A session's end leaves nobody behind, however it came about. The kernel ends
// what reads from the pipe when the last program that could write is dead.
func TestNobodyIsLeft(t *testing.T) {
	needsBash(t)
	for _, test := range []struct {
		name  string
		shape func(*Book)
		lines []string
		want  string
	}{
		{"a good end", func(b *Book) {}, []string{
			"$ tiny shout 127.0.0.1:0 2> $FIFO &",
			"Listening at 127.0.0.1:40000",
			"$ exec 5> $FIFO",
		}, ""},
		{"a command that hangs", func(b *Book) { b.toEnd = 1 }, []string{
			"$ tiny idle > $FIFO",
		}, "README.md:2: has not ended in 1ns\n"},
		{"a server that is never ready", func(b *Book) { b.looks = 1 }, []string{
			"$ tiny idle > $FIFO &",
		}, "README.md:2: has neither announced itself nor opened a socket\n"},
		{"an end of the shell", func(b *Book) {}, []string{
			"$ (tiny idle > $FIFO 2>&1 &)",
			"$ exit",
		}, "README.md:3: has ended the shell\n"},
	} {
		for _, shared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/shared=%v", test.name, shared), func(t *testing.T) {
				t.Parallel()
				path := fifo(t)
				// The reading end has to be there before the first writer.
				f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				b := library(t, nil)
				b.shared = shared
				b.Env = append(b.Env, "FIFO="+path)
				test.shape(b)
				if got := weave(b, test.lines...); got != test.want {
					t.Errorf("the problems are\n%s\nand should be\n%s", got, test.want)
				}
				io.Copy(io.Discard, f)
			})
		}
	}
}

// Not even if the test itself is killed, by an impatient go test.
func TestNobodyIsLeftOfAKilledTest(t *testing.T) {
	needsBash(t)
	for _, kind := range []string{"own", "shared"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			path := fifo(t)
			b := library(t, nil)
			doc := console("$ exec 5> $FIFO; tiny idle & echo up >&5; tiny idle")
			tiny := exec.Command(filepath.Join(b.Bin, "tiny"), "weave", b.Root, b.Bin, path, kind, string(doc))
			tiny.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
			if err := tiny.Start(); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path) // as soon as the transcript does
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := io.ReadFull(f, make([]byte, len("up\n"))); err != nil {
				t.Fatal(err)
			}
			tiny.Process.Kill()
			tiny.Wait() // was killed, which is no news
			io.Copy(io.Discard, f)
		})
	}
}

// A log is shown again until it is as it should be. Here the program logs its
// last line only when the log has been looked at.
func TestLog(t *testing.T) {
	needsBash(t)
	if got := weave(library(t, nil),
		`$ cat() { command cat "$@"; touch seen; }`,
		"$ (echo Listening; until [ -e seen ]; do :; done; echo later) > tiny.log &",
		"$ cat tiny.log",
		"Listening",
		"later",
	); got != "" {
		t.Error(got)
	}
}

// Two sessions with networks of their own serve on the same port. Each waits
// for the other before it goes on, so both are there at the same time.
func TestSamePort(t *testing.T) {
	needsNetwork(t)
	b := library(t, nil)
	b.Env = append(b.Env, "MINE="+fifo(t), "YOURS="+fifo(t))
	serve := []string{
		"$ tiny shout 127.0.0.1:1060 > 4.log &",
		"$ tiny shout [::1]:1060 > 6.log &",
	}
	ask := []string{
		"$ tiny say 127.0.0.1:1060 four; tiny say [::1]:1060 six",
		"FOUR",
		"SIX",
	}
	var both sync.WaitGroup
	for _, meet := range []string{
		"$ echo > $MINE; cat $YOURS > /dev/null",
		"$ cat $MINE > /dev/null; echo > $YOURS",
	} {
		both.Go(func() {
			lines := append(append(serve[:2:2], meet), ask...)
			// Nobody leaves before the other has been served.
			if got := weave(b, append(lines, meet)...); got != "" {
				t.Error(got)
			}
		})
	}
	both.Wait()
}

// Sessions that share the system's network take turns.
func TestTurns(t *testing.T) {
	needsBash(t)
	b := library(t, nil)
	b.shared = true
	b.Env = append(b.Env, "STAGE="+filepath.Join(t.TempDir(), "stage"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if got := weave(b, "$ mkdir $STAGE", "$ echo $RANDOM > die", "$ rmdir $STAGE"); got != "" {
				t.Error(got)
			}
		})
	}
	all.Wait()
}

// The copy that a session works in is what a fresh clone would be.
func TestTree(t *testing.T) {
	needsBash(t)
	b := library(t, map[string]string{
		".git/config":   "",
		"bin/old":       "",
		"built/program": "",
		"folder/run.sh": "#!/bin/sh\ncd folder; echo ran; rm run.sh\n",
	})
	b.Bin = filepath.Join(b.Root, "built")
	script := filepath.Join(b.Root, "folder", "run.sh")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	if got := weave(b,
		"$ ls -A",
		"folder",
		"$ ./folder/run.sh",
		"ran",
		"$ ls folder",
	); got != "" {
		t.Error(got)
	}
	if _, err := os.Stat(script); err != nil {
		t.Error("a transcript has reached the repository itself:", err)
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "literate*")); err != nil || left != nil {
		t.Error("a session has left", left, err)
	}
}

// What go run does not know, the real go command does.
func TestGo(t *testing.T) {
	needsBash(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	t.Setenv("GOFLAGS", "-buildvcs=false")
	b := library(t, map[string]string{
		"go.mod":  "module book\n",
		"main.go": "package main\n\nfunc main() { println(1, 2) }\n",
	})
	if got := weave(b,
		"$ go env GOFLAGS GOTOOLCHAIN GOPROXY",
		"-buildvcs=false -trimpath",
		"local",
		"off",
		"$ go run .",
		"1 2",
		"$ go run ./any/where/tiny sing || true",
		"tiny: cannot sing",
		"$ go build -trimpath -o out/ ./...; ls out",
		"tiny",
	); got != "" {
		t.Error(got)
	}
}

// The announcement of an earlier program is not taken for a new one's, which
// here has not even got as far as its log.
func TestOldAnnouncement(t *testing.T) {
	needsBash(t)
	b := library(t, nil)
	b.Env = append(b.Env, "FIFO="+fifo(t))
	b.looks = 1
	got := weave(b,
		"$ echo Listening > tiny.log",
		"$ (read < $FIFO; tiny idle > tiny.log) &",
	)
	if want := "README.md:3: has neither announced itself nor opened a socket\n"; got != want {
		t.Errorf("the problems are\n%s\nand should be\n%s", got, want)
	}
}

func TestRedirections(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{"srv '' > server.log &", "[{server.log false}]"},
		{"srv '' >server.log 2>&1 &", "[{server.log false}]"},
		{"srv '' &> 'server.log' &", "[{server.log false}]"},
		{"srv '' >> 'server.log' 2>>err.log &", "[{server.log true} {err.log true}]"},
		{"srv '' 2>&1 < in &", "[]"},
		{"echo > old; srv '' &", "[]"},
		{"srv '' > 1.log & srv '' > 2.log&", "[{2.log false}]"},
	} {
		if got := fmt.Sprint(redirections(test.script)); got != test.want {
			t.Errorf("redirections(%q) is %s, not %s", test.script, got, test.want)
		}
	}
}
