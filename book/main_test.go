package main

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"fopnp/internal/check/chromium"
	"fopnp/internal/check/progtest"
	"fopnp/internal/check/weave"
	"fopnp/internal/live"
)

// The tests start this program once more, as the book.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_BOOK") != "" {
		os.Args[0] = "book"
		main()
		return
	}
	live.Main()
	status := progtest.Main(m)
	chromium.Close()
	os.Exit(status)
}

func TestREADME(t *testing.T) {
	t.Parallel()
	weave.TestPage(t, "book/README.md", nil)
}

// command returns the command that starts the book in a folder.
func command(t testing.TB, folder string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "TEST_BOOK=1")
	cmd.Dir = folder
	return cmd
}

// The book prints its address when it is open, and Ctrl-C closes it.
func TestServe(t *testing.T) {
	t.Parallel()
	cmd := command(t, "..", "-p", "0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	m := regexp.MustCompile(`^The book is open at (http://127\.0\.0\.1:\d+/)(#\S+)?\n$`).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("printed %q: %v\n%s", line, err, stderr.String())
	}
	for path, want := range map[string]int{"": 200, "chapter07/srv_single/": 200, "go.mod": 404} {
		r, err := http.Get(m[1] + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("/%s: %s, want %d", path, r.Status, want)
		}
	}
	if runtime.GOOS == "windows" {
		cmd.Process.Kill() // a program cannot press Ctrl-C there
		cmd.Wait()
		return
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		t.Errorf("Ctrl-C: %v\n%s", err, stderr.String())
	}
}

// The program reports each failure in one line.
func TestFailures(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, _ := net.SplitHostPort(l.Addr().String())
	elsewhere := t.TempDir()
	file := filepath.Join(elsewhere, "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		folder string
		args   []string
		status int
		stderr string
	}{
		{"..", []string{"-p", taken}, 1, `^book: listen at port \d+ \(-p chooses another\): .+\n$`},
		{"..", []string{"-export", filepath.Join(file, "html")}, 1, `^book: export the book: .+\n$`},
		{"..", []string{"-epub", filepath.Join(elsewhere, "no", "book.epub")}, 1, `^book: write the EPUB: .+\n$`},
		{elsewhere, nil, 1, `^book: find the book: .+ is not in the repository; change into its folder\n$`},
		{"..", []string{"-h"}, 0, `(?s)^usage: book .+-export DIR`},
		{"..", []string{"-x"}, 2, `(?s)^flag provided but not defined: -x\nusage: book `},
		{"..", []string{"chapter07"}, 2, `(?s)^unexpected argument: chapter07\nusage: book `},
	} {
		cmd := command(t, c.folder, c.args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != c.status {
			t.Errorf("book %s: status %d, want %d", strings.Join(c.args, " "), got, c.status)
		}
		if !regexp.MustCompile(c.stderr).MatchString(stderr.String()) {
			t.Errorf("book %s: printed %q, want %s", strings.Join(c.args, " "), stderr.String(), c.stderr)
		}
	}
}

// One command writes both forms of the book.
func TestWrite(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	html, epub := filepath.Join(folder, "html"), filepath.Join(folder, "book.epub")
	if out, err := command(t, "..", "-export", html, "-epub", epub).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{filepath.Join(html, "index.html"), filepath.Join(html, "chapter07", "index.html"), epub} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
