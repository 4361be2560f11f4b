package programs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// With one of these environment variables, this test binary is another program.
const (
	user = "USES_PROGRAMS"   // it builds the programs of this module, prints where they are, and waits
	tool = "TOOL_THAT_WAITS" // it waits until the test that listens at this address closes the connection
)

func TestMain(m *testing.M) {
	if root, is := os.LookupEnv(user); is {
		bin, remove, err := Cache{os.Getenv("USER_CACHE")}.Build(context.Background(), root, []string{"./echo"})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(bin)
		io.Copy(io.Discard, os.Stdin)
		remove()
		os.Exit(0)
	}
	if address, is := os.LookupEnv(tool); is {
		if conn, err := net.Dial("tcp", address); err == nil {
			io.Copy(io.Discard, conn)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// start starts a program, and ends its input with the test.
func start(t *testing.T, cmd *exec.Cmd) (stdin io.Writer, lines *bufio.Reader) {
	t.Helper()
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		cmd.Wait()
	})
	return input, bufio.NewReader(stdout)
}

// newModule returns the root of a new module with the program echo, which prints
// its version and then copies its input.
func newModule(t *testing.T, version string) (root string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "tiny")
	write(t, filepath.Join(root, "go.mod"), "module tiny\n\ngo 1.26\n")
	setVersion(t, root, version)
	return root
}

func setVersion(t *testing.T, root, version string) {
	t.Helper()
	write(t, filepath.Join(root, "echo", "main.go"), `package main

import (
	"fmt"
	"io"
	"os"
)

var version = "`+version+`"

func main() {
	fmt.Println(version)
	io.Copy(os.Stdout, os.Stdin)
}
`)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func build(t *testing.T, c Cache, root string, flags ...string) (bin string) {
	t.Helper()
	bin, remove, err := c.Build(t.Context(), root, []string{"./echo"}, flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	return bin
}

// prints fails the test unless the program in bin prints version.
func prints(t *testing.T, bin, version string) {
	t.Helper()
	out, err := exec.Command(filepath.Join(bin, "echo")).Output()
	if got := strings.TrimSpace(string(out)); got != version || err != nil {
		t.Errorf("echo printed %q, %v, want %q", got, err, version)
	}
}

// A later build does not change a program that is in use, even one that runs.
func TestProgramsStay(t *testing.T) {
	t.Parallel()
	c, root := Cache{t.TempDir()}, newModule(t, "one")
	one := build(t, c, root)
	stdin, lines := start(t, exec.Command(filepath.Join(one, "echo")))
	if line, err := lines.ReadString('\n'); line != "one\n" {
		t.Fatalf("it printed %q, %v", line, err)
	}

	setVersion(t, root, "two")
	two := build(t, c, root)
	prints(t, two, "two")
	prints(t, one, "one")
	io.WriteString(stdin, "still here\n")
	if line, err := lines.ReadString('\n'); line != "still here\n" {
		t.Errorf("the running program printed %q, %v", line, err)
	}

	// A folder has the programs that were asked for, and no others.
	write(t, filepath.Join(root, "other", "main.go"), "package main\n\nfunc main() {}\n")
	both, remove, err := c.Build(t.Context(), root, []string{"./echo", "./other"})
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	for folder, n := range map[string]int{both: 2, build(t, c, root): 1} {
		if entries, err := os.ReadDir(folder); err != nil || len(entries) != n {
			t.Errorf("the folder has %v, %v, want %d", entries, err, n)
		}
	}
}

// Builds of two copies of a module, and of one copy with different flags, get
// what they asked for, and the go command builds one after the other.
func TestBuildsAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a shell script watches the go command, and Windows cannot run it")
	}
	real, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	shim := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nmkdir %[1]s/busy || exit\n%[2]s \"$@\"\nstatus=$?\nrmdir %[1]s/busy\nexit $status\n", shim, real)
	if err := os.WriteFile(filepath.Join(shim, "go"), []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", shim+string(os.PathListSeparator)+os.Getenv("PATH"))

	c := Cache{t.TempDir()}
	var wait sync.WaitGroup
	for _, version := range []string{"one", "two"} {
		root := newModule(t, version)
		for i := range 4 {
			wait.Go(func() {
				want, flags := version, []string(nil)
				if i%2 == 1 {
					want = "flavour of " + version
					flags = []string{"-ldflags=-X 'main.version=" + want + "'"}
				}
				bin, remove, err := c.Build(t.Context(), root, []string{"./echo"}, flags...)
				if err != nil {
					t.Error(err)
					return
				}
				defer remove()
				prints(t, bin, want)
			})
		}
	}
	wait.Wait()
}

// Build does not build a program again, whatever else it has built meanwhile.
func TestWarm(t *testing.T) {
	t.Parallel()
	c, root := Cache{t.TempDir()}, newModule(t, "one")
	before, err := os.Stat(filepath.Join(build(t, c, root), "echo"))
	if err != nil {
		t.Skip(err) // it has another name on Windows
	}
	build(t, c, root, "-trimpath")
	build(t, c, newModule(t, "two"))
	after, err := os.Stat(filepath.Join(build(t, c, root), "echo"))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("echo was built again (%v)", err)
	}
}

// The cache does not grow without end, and a test can go on using a program
// that is no longer in the cache.
func TestTidy(t *testing.T) {
	t.Parallel()
	c, root := Cache{t.TempDir()}, newModule(t, "one")
	first := build(t, c, root)
	old := filepath.Join(c.Dir, "built", "old")
	for i := range kept + 2 {
		dir := fmt.Sprint(old, i)
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-time.Duration(i+1) * time.Hour)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}
	_, remove, err := c.Build(t.Context(), root, []string{"./echo"}, "-trimpath")
	if err != nil {
		t.Fatal(err)
	}
	built := byAge(filepath.Join(c.Dir, "built"))
	if len(built) != kept {
		t.Errorf("the cache keeps %d builds: %v", len(built), built)
	}
	if _, err := os.Stat(fmt.Sprint(old, 0)); err != nil {
		t.Errorf("what was used an hour ago is gone: %v", err)
	}
	remove()
	wantRuns(t, c, first)
	for _, folder := range built {
		if err := os.RemoveAll(folder.path); err != nil {
			t.Fatal(err)
		}
	}
	prints(t, first, "one")
}

// wantRuns fails the test unless runs/ has the folders bins, each with its lock,
// and nothing else.
func wantRuns(t *testing.T, c Cache, bins ...string) {
	t.Helper()
	var want, got []string
	for _, bin := range bins {
		want = append(want, filepath.Base(bin), filepath.Base(bin)+".lock")
	}
	slices.Sort(want)
	entries, err := os.ReadDir(filepath.Join(c.Dir, "runs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs/ is different (-want +got):\n%s", diff)
	}
}

// The links of a process that was killed are gone after the next build, and those
// of a process that lives stay.
func TestKilled(t *testing.T) {
	t.Parallel()
	c, root := Cache{t.TempDir()}, newModule(t, "one")
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), user+"="+root, "USER_CACHE="+c.Dir)
	process.Stderr = t.Output()
	_, lines := start(t, process)
	line, err := lines.ReadString('\n')
	theirs := strings.TrimSpace(line)
	if err != nil || filepath.Dir(filepath.Dir(theirs)) != c.Dir {
		t.Fatalf("it printed %q, %v", line, err)
	}

	first := build(t, c, root)
	prints(t, theirs, "one")
	wantRuns(t, c, theirs, first)
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	process.Wait()
	wantRuns(t, c, first, build(t, c, root))
}

// A build that is stopped leaves no files.
func TestStopped(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	t.Setenv(tool, listener.Addr().String())
	c, root := Cache{t.TempDir()}, newModule(t, "one")
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer stop()
		conn, err := listener.Accept() // from the go command's first tool, which then waits
		if err != nil {
			return
		}
		t.Cleanup(func() { conn.Close() })
	}()
	if _, _, err := c.Build(ctx, root, []string{"./echo"}, "-toolexec="+os.Args[0]); !errors.Is(ctx.Err(), context.Canceled) || err == nil {
		t.Errorf("the build was not stopped: %v", err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("these are left: %v, %v", left, err)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "work")); err == nil {
		t.Error("the work folder is left")
	}
}

// The error of a failed build includes what the go command printed.
func TestBuildFails(t *testing.T) {
	t.Parallel()
	c, root := Cache{t.TempDir()}, newModule(t, `one" + nothing + "`)
	_, _, err := c.Build(t.Context(), root, []string{"./echo"})
	if err == nil || !strings.Contains(err.Error(), "undefined: nothing") {
		t.Errorf("the error is %v", err)
	}
	wantRuns(t, c)
}

// Where the file system has no hard links, Build copies a program.
func TestCopy(t *testing.T) {
	bin := build(t, Cache{t.TempDir()}, newModule(t, "one"))
	copied := t.TempDir()
	name := "echo"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if err := copyProgram(filepath.Join(bin, name), filepath.Join(copied, name)); err != nil {
		t.Fatal(err)
	}
	prints(t, copied, "one")
}
