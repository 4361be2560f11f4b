//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/listings"
)

// isShow is the environment variable that turns the test program into this
// program, in a folder where there are no servers.
const isShow = "IS_SHOW"

func TestMain(m *testing.M) {
	if _, is := os.LookupEnv(isShow); is {
		main()
	}
	os.Exit(progtest.Main(m))
}

// folder returns a folder that has this program, the servers of chapter 7 and
// their client. Scripts holds shell scripts that take the place of some of
// them, by name. In a script, BIN is the folder of the real programs.
func folder(t *testing.T, scripts map[string]string) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp(progtest.Bin(), "show-") // on the same file system, for links
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, name := range append(listings.Names(named("chapter07")), "client", "show") {
		path := filepath.Join(dir, name)
		if script, ok := scripts[name]; ok {
			script = "#!/bin/sh\n" + strings.ReplaceAll(script, "BIN", progtest.Bin()) + "\n"
			err = writeScript(path, script)
		} else {
			err = os.Link(filepath.Join(progtest.Bin(), name), path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// writeScript writes a program while no other test forks. Otherwise the new
// process would hold the file open for writing, and the program could not
// start: "text file busy".
func writeScript(path, script string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(script), 0o777)
}

// result runs a program and returns what it prints and its status.
func result(t *testing.T, program string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	cmd.Run()
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// The program names a server that fails or whose client fails, and goes on to
// the next one.
func TestWrong(t *testing.T) {
	for name, test := range map[string]struct {
		scripts map[string]string
		why     string
	}{
		"dies":            {map[string]string{"srv_single": "exit 3"}, `srv_single exited (exit status 3) and never printed that it is ready`},
		"announces less":  {map[string]string{"srv_single": "echo Listening"}, `never printed that it is ready, but:` + "\nListening"},
		"one answer less": {map[string]string{"client": `BIN/client "$@" | sed 1d`}, `the client should also print b'`},
		"one answer more": {map[string]string{"client": `BIN/client "$@" && BIN/client "$@" | sed 1,2d`}, `the client should not print "b'`},
		"wrong answer":    {map[string]string{"client": `BIN/client "$@" | sed s/Ugly/Pretty/`}, `the client should not print "b'Beautiful is better than?' b'Pretty.'\n"`},
		"client fails":    {map[string]string{"client": `BIN/client "$@"; exit 4`}, `client: exit status 4`},
		"stops with 1": {map[string]string{"srv_single": `BIN/srv_single "$@" & trap 'kill $!; wait $!; exit 1' TERM; wait $!`},
			`srv_single after terminated: exit status 1`},
		"is killed": {map[string]string{
			"srv_single": `echo $$ >"$0.pid"; exec BIN/srv_single "$@"`,
			"client":     `BIN/client "$@"; pid="${0%/*}/srv_single.pid"; [ ! -f "$pid" ] || { kill -KILL $(cat "$pid"); rm "$pid"; }`,
		}, `srv_single`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, test.scripts)
			args := []string{"srv_single"}
			if test.scripts["client"] == "" || name == "is killed" {
				args = append(args, "srv_threaded")
			}
			stdout, stderr, status := result(t, filepath.Join(dir, "show"), args...)
			if status != 1 || !strings.Contains(stderr, test.why) || !strings.HasSuffix(stderr, "test.sh: failed: srv_single\n") {
				t.Errorf("status %d, stderr:\n%s\nwant the reason %s", status, stderr, test.why)
			}
			if len(args) > 1 {
				_, after, _ := strings.Cut(stdout, "=== srv_threaded\n")
				if err := compare(after, named("srv_threaded")[0].Visit.Prints); err != nil {
					t.Errorf("after srv_single there is:\n%s", after)
				}
			}
		})
	}
}

// test.sh -h lists the servers, and test.sh runs those that its arguments name.
func TestScript(t *testing.T) {
	const script = "../../../test.sh"
	t.Run("help", func(t *testing.T) {
		t.Parallel()
		stdout, stderr, status := result(t, script, "-h")
		if status != 0 || stderr != "" || !strings.HasPrefix(stdout, "usage: ./test.sh [-h] [server ...]\n") {
			t.Errorf("status %d:\n%s%s", status, stdout, stderr)
		}
		for _, l := range listings.All {
			if line := "  " + l.Shelf + ": "; l.IsServer() && !strings.Contains(stdout, line) {
				t.Errorf("there is no line that begins %q:\n%s", line, stdout)
			}
		}
	})
	for _, word := range []string{"nosuch", "client", "-x", ""} {
		t.Run("wrong/"+word, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, status := result(t, script, "srv_single", word)
			if status != 2 || stdout != "" || !strings.Contains(stderr, fmt.Sprintf("called %q\n", word)) || !strings.Contains(stderr, "chapter07: srv_single srv_threaded ") {
				t.Errorf("status %d:\n%s%s", status, stdout, stderr)
			}
		})
	}
	for _, test := range []struct {
		args []string
		want []string
	}{
		{nil, listings.Names(listings.On("chapter07", listings.Server))},
		{[]string{"srv_legacy2", "udps1"}, []string{"srv_legacy2", "udps1"}},
		{[]string{"slides", "chapter03"}, listings.Names(append(
			listings.On("lecture/slides", listings.Server, listings.Both), listings.On("chapter03", listings.Both)...))},
		{[]string{"lecture23", "basics"}, listings.Names(append(
			listings.On("lecture/lecture23", listings.Server), listings.On("lecture/basics", listings.Server)...))},
	} {
		t.Run(fmt.Sprint("args=", test.args), func(t *testing.T) {
			t.Parallel()
			stdout, stderr, status := result(t, script, test.args...)
			var shown []string
			for line := range strings.Lines(stdout) {
				if name, ok := strings.CutPrefix(line, "=== "); ok {
					shown = append(shown, strings.TrimSpace(name))
				}
			}
			if status != 0 || stderr != "" || fmt.Sprint(shown) != fmt.Sprint(test.want) {
				t.Errorf("status %d:\n%s%s", status, stdout, stderr)
			}
		})
	}
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		cmd := exec.Command(script, "srv_single")
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		defer full.Close()
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		cmd.Run()
		if status := cmd.ProcessState.ExitCode(); status != 1 || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("status %d: %s", status, &stderr)
		}
	})
}
