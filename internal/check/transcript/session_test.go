//go:build unix || windows

package transcript

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/transcript/tiny"
	"fopnp/internal/netns"
)

func TestMain(m *testing.M) {
	netns.Main()
	tiny.Main(map[string]func(args []string) error{
		"play": func(args []string) error { // a session that the test will kill
			c := Config{Root: args[0], Bin: args[1], Env: []string{"FIFO=" + args[2]}}
			for _, kind := range kinds {
				if kind.name == args[3] {
					kind.choose(&c)
				}
			}
			return errors.New(play(c, args[4:]...))
		},
	})
	os.Exit(m.Run())
}

func needsBash(t *testing.T) {
	t.Helper()
	if err := supported(); err != nil {
		t.Skip(err)
	}
}

// needs skips the test if the system cannot run sessions of this kind.
func needs(t *testing.T, kind string) {
	t.Helper()
	needsBash(t)
	if kind == "terminal" {
		needsNetwork(t)
	}
}

func needsNetwork(t *testing.T) {
	t.Helper()
	needsBash(t)
	if err := netns.Supported(); err != nil {
		t.Skip(err)
	}
}

// folder returns a config for sessions in a repository that has these files, by
// path, and whose only program is tiny.
func folder(t *testing.T, files map[string]string) Config {
	t.Helper()
	c := Config{Root: t.TempDir(), Bin: t.TempDir()}
	c.Env = []string{"GORACE=atexit_sleep_ms=0"} // or each tiny ends a second late
	if err := tiny.Link(c.Bin); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(c.Root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// play runs a transcript in a session of its own, and returns what went wrong,
// a line for each problem. Outputs that differ from those written are problems.
func play(c Config, lines ...string) string { return playWith(c, nil, lines...) }

// playWith is play for a block whose info string has words.
func playWith(c Config, words []string, lines ...string) string {
	t, err := Parse(0, words, strings.Join(lines, "\n")+"\n")
	if err != nil {
		return err.Error()
	}
	h, err := c.NewHome()
	if err != nil {
		return err.Error()
	}
	defer h.Remove()
	s, err := h.Start(0)
	if err != nil {
		return err.Error()
	}
	outputs, problems := s.Play(t)
	for i, output := range outputs {
		command := t.Commands[i]
		if t.Essence(output) != t.Essence(command.Output) {
			problems = append(problems, Problem{command.Line, fmt.Sprintf("printed %q, want %q", output, command.Output)})
		}
	}
	problems = append(problems, s.End()...)
	slices.SortStableFunc(problems, func(p, q Problem) int { return cmp.Compare(p.Line, q.Line) })
	var all strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&all, "%d: %s\n", p.Line, p.What)
	}
	return all.String()
}

// patience bounds each wait for something that must happen.
const patience = 30 * time.Second

// fifo makes a named pipe, with which tests and commands wait for each other.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if out, err := exec.Command("mkfifo", path).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v: %s", err, out)
	}
	return path
}

// open opens one end of a named pipe without waiting for the other end.
func open(t *testing.T, path string, end int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, end|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return f
}

// allDead reads from a pipe until no process is left that could write to it.
func allDead(t *testing.T, pipe *os.File) {
	t.Helper()
	if _, err := io.Copy(io.Discard, pipe); err != nil {
		t.Errorf("a process of the session is still alive: %v", err)
	}
}

// kinds are the kinds of sessions.
var kinds = []struct {
	name   string
	choose func(*Config)
}{
	{"private", func(c *Config) {}},
	{"shared", func(c *Config) { c.shared = true }},
	{"terminal", func(c *Config) { c.Terminal = true }},
}

// A session of any kind reports what goes wrong in it.
func TestSessions(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			needs(t, kind.name)
			t.Parallel()
			for _, test := range []struct {
				name  string
				lines []string
				want  string // a regular expression
			}{
				{"a log and a program", []string{
					"$ tiny grumble > tiny.log &",
					"$ cat tiny.log; kill %1; wait %1 || true",
					"Listening at nothing, port 1",
					"tiny: not like this",
				}, "^1: the program in the background exited with status 1\n$"},
				{"an old announcement, added to", []string{
					"$ echo Listening at port 1 > tiny.log",
					"$ tiny cough 2>>tiny.log &",
				}, `^2: exited with status 1 before it was ready\ntiny: cannot cough\n$`},
				{"a log that is added to", []string{
					"$ echo old > tiny.log",
					"$ tiny grumble >> tiny.log &",
					"$ cat tiny.log",
					"old",
					"Listening at nothing, port 1",
				}, "^2: the program in the background exited with status 1\n$"},
				{"two programs at once", []string{
					"$ tiny grumble > 1.log 2>&1 & tiny grumble > 2.log 2>&1 &",
					"$ until grep -qs Listening 1.log; do :; done",
				}, `^(1: the program in the background exited with status 1\n){2}$`},
				{"a crash in a file", []string{
					"$ tiny panic 2> crash.log || true",
				}, `^0: the session's file crash.log contains "panic:"\n out of tea\n(?s:.*)$`},
				{"a file that only mentions crashes", []string{
					"$ printf 'panic:\\0' > program",
					"$ grep -c panic: notes.txt",
					"1",
				}, `^$`},
				{"a crash on the screen", []string{
					"$ echo WARNING: DATA RACE; exit",
				}, `^0: the session's output contains "WARNING: DATA RACE"\s+(exit\s+)?1: ended the shell\n$`},
			} {
				t.Run(test.name, func(t *testing.T) {
					c := folder(t, map[string]string{"notes.txt": "about panic: do not\n"})
					kind.choose(&c)
					got := play(c, test.lines...)
					if !regexp.MustCompile(test.want).MatchString(got) {
						t.Errorf("the problems are\n%s\nand should match %s", got, test.want)
					}
				})
			}
		})
	}
}

// When a session ends, for whatever reason, none of its processes is left.
func TestEnd(t *testing.T) {
	needsBash(t)
	for _, test := range []struct {
		name   string
		change func(*Config)
		lines  []string
		want   string
	}{
		{"a good end", func(c *Config) {}, []string{
			"$ tiny shout 127.0.0.1:0 2> $FIFO &",
			"Listening at 127.0.0.1:40000",
			"$ exec 5> $FIFO",
		}, ""},
		{"a command that hangs", func(c *Config) { c.Limit = 1 }, []string{
			"$ tiny idle > $FIFO",
		}, "1: did not end within 1ns\n"},
		{"a server that is never ready", func(c *Config) { c.looks = 1 }, []string{
			"$ tiny idle > $FIFO &",
		}, "1: did not get ready: it printed no announcement and opened no socket\n"},
		{"an end of the shell", func(c *Config) {}, []string{
			"$ (tiny idle > $FIFO 2>&1 &)",
			"$ exit",
		}, "2: ended the shell\n"},
	} {
		for _, kind := range kinds {
			t.Run(test.name+"/"+kind.name, func(t *testing.T) {
				needs(t, kind.name)
				t.Parallel()
				path := fifo(t)
				pipe := open(t, path, os.O_RDONLY) // before any writer
				c := folder(t, nil)
				kind.choose(&c)
				c.Env = append(c.Env, "FIFO="+path)
				test.change(&c)
				if got := play(c, test.lines...); got != test.want {
					t.Errorf("the problems are\n%s\nand should be\n%s", got, test.want)
				}
				allDead(t, pipe)
			})
		}
	}
}

// A program may die of a signal that a block has foreseen. Bash's message about
// that does not count as output.
func TestForeseen(t *testing.T) {
	needsBash(t)
	for _, test := range []struct {
		name  string
		words []string
		want  string
	}{
		{"foreseen", []string{"status=137"}, ""},
		{"unforeseen", nil, "1: the program in the background exited with status 137\n2: exited with status 137\n"},
	} {
		for _, kind := range kinds {
			t.Run(test.name+"/"+kind.name, func(t *testing.T) {
				needs(t, kind.name)
				t.Parallel()
				c := folder(t, nil)
				kind.choose(&c)
				if got := playWith(c, test.words,
					"$ tiny shout 127.0.0.1:0 >log &",
					"$ kill -9 %1; wait %1",
					"$ echo still here",
					"still here",
				); got != test.want {
					t.Errorf("the problems are\n%s\nand should be\n%s", got, test.want)
				}
			})
		}
	}
}

// Without Config.Terminal, a command has no terminal and nothing to read.
func TestNoTerminal(t *testing.T) {
	needsBash(t)
	if got := play(folder(t, nil),
		"$ cat; tty || true",
		"not a tty",
		"$ echo $- $LC_ALL",
		"hBs C",
	); got != "" {
		t.Error(got)
	}
}

// At a terminal, bash is interactive. Its job messages do not count as output,
// and neither does what is typed.
func TestTerminal(t *testing.T) {
	needsNetwork(t)
	long := strings.Repeat("0123456789", 30)
	if got := play(terminal(folder(t, nil)),
		"$ tty | grep -o /dev/pts; stty size; echo $-",
		"/dev/pts",
		"24 80",
		"himBHs",
		"$ echo "+long,
		long,
		"$ printf 'no line feed'; (exit 3) || echo $?; cat <<END",
		"> «a» \\",
		"> b",
		">",
		"> END",
		"no line feed3",
		"«a» b",
		"",
		"$ echo '!!' $!",
		"!!",
		"$ tiny shout 127.0.0.1:1060 &",
		"Listening at 127.0.0.1:1060",
		"$ tiny shout 127.0.0.1:1061 >log &",
		"$ jobs | wc -l",
		"2",
		"$ kill %1; wait %1",
		"$ mkdir folder; cd folder; kill %2; wait %2",
		"$ tiny say 127.0.0.1:1060 hello || true",
		"tiny: dial tcp 127.0.0.1:1060: connect: connection refused",
	); got != "" {
		t.Error(got)
	}
}

func terminal(c Config) Config {
	c.Terminal = true
	return c
}

// atTerminal returns a session at a terminal. It ends with the test.
func atTerminal(t *testing.T) *Session {
	t.Helper()
	c := terminal(folder(t, nil))
	c.Limit = patience
	h, err := c.NewHome()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Remove)
	s, err := h.Start(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// A reader types while a command runs, and sees bash's job messages.
func TestType(t *testing.T) {
	needsNetwork(t)
	s := atTerminal(t)
	ctrlC, ctrlD := "\x03", "\x04"
	for _, test := range []struct {
		command string
		keys    []Key
		want    string
	}{
		{"tiny shout 127.0.0.1:1060", []Key{{"Listening", ctrlC}}, `^Listening at 127.0.0.1:1060\n\^C\n$`},
		{"cat", []Key{{"", "one\r"}, {"one\none", ctrlD}}, `^one\none\n$`},
		{"sleep 1000 &", nil, `^\[1\] \d+\n$`},
		{"kill %1; wait %1", nil, `^\[1\]\+  Terminated +sleep 1000\n$`},
	} {
		screen, err := s.Type(test.command, test.keys...)
		if err != nil || !regexp.MustCompile(test.want).MatchString(screen) {
			t.Errorf("after %q the screen shows %q (%v), want %s", test.command, screen, err, test.want)
		}
	}
	_, err := s.Type("echo other", Key{"words", ctrlC})
	if want := "ended before \"\\x03\" was typed\nother"; err == nil || strings.TrimSpace(err.Error()) != want {
		t.Errorf("the error for a command that ends too early is %q, want %q", err, want)
	}
	_, err = s.Type("echo one\necho two")
	if want := `is complete without "echo two"`; err == nil || err.Error() != want {
		t.Errorf("the error for two commands is %q, want %q", err, want)
	}
}

// No process of a session is left even if the test itself is killed, as go test
// kills a test that takes too long.
func TestKilled(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			needs(t, kind.name)
			t.Parallel()
			path := fifo(t)
			pipe := open(t, path, os.O_RDONLY)
			writer := open(t, path, os.O_WRONLY) // so the pipe has not ended yet
			c := folder(t, nil)
			cmd := exec.Command(filepath.Join(c.Bin, "tiny"), "play", c.Root, c.Bin, path, kind.name,
				"$ exec 5> $FIFO; tiny idle & echo up >&5; tiny idle")
			cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			_, err := io.ReadFull(pipe, make([]byte, len("up\n")))
			cmd.Process.Kill()
			cmd.Wait() // its error says that it was killed
			if err != nil {
				t.Fatal(err)
			}
			writer.Close()
			allDead(t, pipe)
		})
	}
}

// A session shows a log again until it is complete. Here the program writes its
// last line only after the first look.
func TestLog(t *testing.T) {
	needsBash(t)
	if got := play(folder(t, nil),
		`$ cat() { command cat "$@"; touch seen; }`,
		"$ (echo Listening at port 1; until [ -e seen ]; do :; done; echo later) > tiny.log &",
		"$ cat tiny.log",
		"Listening at port 1",
		"later",
	); got != "" {
		t.Error(got)
	}
}

// Two sessions on private networks use the same port. Each waits for the other
// before it goes on, so both servers run at the same time.
func TestSamePort(t *testing.T) {
	needsNetwork(t)
	c := folder(t, nil)
	c.Env = append(c.Env, "MINE="+fifo(t), "YOURS="+fifo(t))
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
			// Neither ends before the other's client has been served.
			if got := play(c, append(lines, meet)...); got != "" {
				t.Error(got)
			}
		})
	}
	both.Wait()
}

// Sessions that share the system's network take turns.
func TestTurns(t *testing.T) {
	needsBash(t)
	c := folder(t, nil)
	c.shared = true
	c.Env = append(c.Env, "STAGE="+filepath.Join(t.TempDir(), "stage"))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if got := play(c, "$ mkdir $STAGE", "$ echo $RANDOM > die", "$ rmdir $STAGE"); got != "" {
				t.Error(got)
			}
		})
	}
	all.Wait()
}

// A session works in a copy of what a fresh clone would have.
func TestTree(t *testing.T) {
	needsBash(t)
	c := folder(t, map[string]string{
		".git/config":   "",
		"bin/old":       "",
		"built/program": "",
		"folder/run.sh": "#!/bin/sh\ncd folder; echo ran; rm run.sh\n",
	})
	c.Bin = filepath.Join(c.Root, "built")
	script := filepath.Join(c.Root, "folder", "run.sh")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	if got := play(c,
		"$ ls -A",
		"folder",
		"$ ./folder/run.sh",
		"ran",
		"$ ls folder",
	); got != "" {
		t.Error(got)
	}
	if _, err := os.Stat(script); err != nil {
		t.Error("a transcript changed the repository itself:", err)
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "transcript*")); err != nil || left != nil {
		t.Error("a session left", left, err)
	}
}

// The session's go command runs built programs, and leaves the rest to the real
// one.
func TestGo(t *testing.T) {
	needsBash(t)
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	t.Setenv("GOFLAGS", "-buildvcs=false")
	c := folder(t, map[string]string{
		"go.mod":  "module book\n",
		"main.go": "package main\n\nfunc main() { println(1, 2) }\n",
	})
	if got := play(c,
		"$ go env GOFLAGS GOTOOLCHAIN GOPROXY",
		"-buildvcs=false",
		"local",
		"off",
		"$ go run .",
		"1 2",
		"$ go run ./any/where/tiny sing || true",
		"tiny: cannot sing",
		"$ go run some.host/folder/echo/v2@v2.15.2 installed",
		"installed",
		"$ $(go tool -n tiny) sing || true",
		"tiny: cannot sing",
		"$ go build -trimpath -o out/ ./...; ls out",
		"tiny",
	); got != "" {
		t.Error(got)
	}
}

// The announcement of an earlier program does not pass for that of a new one,
// which here has not even opened its log.
func TestOldAnnouncement(t *testing.T) {
	needsBash(t)
	c := folder(t, nil)
	c.Env = append(c.Env, "FIFO="+fifo(t))
	c.looks = 1
	got := play(c,
		"$ echo Listening at port 1 > tiny.log",
		"$ (read < $FIFO; tiny idle > tiny.log) &",
	)
	if want := "2: did not get ready: it printed no announcement and opened no socket\n"; got != want {
		t.Errorf("the problems are\n%s\nand should be\n%s", got, want)
	}
}

// A reader may type at the terminal of a session between two transcripts.
func TestResume(t *testing.T) {
	needs(t, "terminal")
	s := atTerminal(t)
	resume := func() {
		t.Helper()
		for begin := time.Now(); ; {
			err := s.Resume()
			if err == nil {
				return
			}
			if time.Since(begin) > patience {
				t.Fatal(err)
			}
		}
	}
	prints := func(script, want string) {
		t.Helper()
		transcript := &Transcript{Commands: []Command{{Script: script, Output: want}}}
		output, problem, err := s.PlayCommand(transcript, 0)
		if err != nil || output != want || problem != nil {
			t.Errorf("%s printed %q (%v, %v), want %q", script, output, problem, err, want)
		}
	}
	prints("echo one", "one\n")
	resume() // although the reader has typed nothing

	s.press("mkdir -p a; cd a\r echo two; false\r")
	resume()
	prints("echo ${PWD##*/}", "a\n")

	s.press("rm -rf")
	resume() // the line that was not entered is gone
	prints("echo three", "three\n")

	s.press("cat\r")
	if err := s.until(func() bool { return strings.Contains(s.unread, s.begun) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Resume(); err == nil {
		t.Error("it resumed while a command runs")
	}
	s.press("\x03")
	resume()
	prints("echo four", "four\n")

	s.press("yes\r")
	if err := s.until(func() bool { return strings.Contains(s.unread, "\ny\r\ny\r\n") }); err != nil {
		t.Fatal(err)
	}
	if err := s.Resume(); err == nil {
		t.Error("it resumed while a command floods the terminal")
	}
	s.press("\x03")
	resume()
	prints("echo five", "five\n")
}

// A bash that another bash starts, or becomes, has prompts of its own.
func TestAnotherBash(t *testing.T) {
	needs(t, "terminal")
	s := atTerminal(t)
	for _, command := range []string{
		"exec bash --norc --noprofile", "bash --norc --noprofile", "bash --norc --noprofile", "exit", "exit",
	} {
		if screen, err := s.Type(command); err != nil {
			t.Fatalf("%s: %v, and it shows %q", command, err, screen)
		}
		if screen, err := s.Type("echo is''here"); err != nil || screen != "ishere\n" {
			t.Fatalf("after %s, it shows %q (%v)", command, screen, err)
		}
	}
}
