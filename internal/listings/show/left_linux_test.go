package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
)

// However the program ends, the server and the client that it has started end
// with it.
func TestLeavesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(show *os.Process, stdout io.Closer) error
		status int // -1 is death by a signal
	}{
		"killed":     {func(show *os.Process, _ io.Closer) error { return show.Kill() }, -1},
		"terminated": {func(show *os.Process, _ io.Closer) error { return show.Signal(syscall.SIGTERM) }, 128 + int(syscall.SIGTERM)},
		// At a terminal, Ctrl-C goes to the server and the client, too.
		"Ctrl-C":        {func(show *os.Process, _ io.Closer) error { return show.Signal(os.Interrupt) }, 128 + int(syscall.SIGINT)},
		"hung up":       {func(show *os.Process, _ io.Closer) error { return show.Signal(syscall.SIGHUP) }, 128 + int(syscall.SIGHUP)},
		"output closed": {func(_ *os.Process, stdout io.Closer) error { return stdout.Close() }, 128 + int(syscall.SIGPIPE)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{
				"client": `read -r line <"${0%/*}/go"; exec BIN/client "$@"`, // waits until the test writes to go
			})
			letGo := filepath.Join(dir, "go")
			if err := unix.Mkfifo(letGo, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(filepath.Join(dir, "show"), "srv_single", "srv_threaded")
			cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir()) // it cannot remove its files if it is killed
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			if line, err := bufio.NewReaderSize(stdout, 16).ReadString('\n'); line != "=== srv_single\n" {
				t.Fatalf("it printed %q, %v", line, err)
			}
			children := childrenOf(t, cmd.Process.Pid, 2)
			var waits []func(time.Duration) error
			for _, pid := range children {
				wait, err := kernel.Exit(pid)
				if err != nil {
					t.Fatal(err)
				}
				waits = append(waits, wait)
			}
			if err := test.end(cmd.Process, stdout); err != nil {
				t.Fatal(err)
			}
			if name == "output closed" { // the program notices when it prints more
				if err := os.WriteFile(letGo, []byte("\n"), 0); err != nil {
					t.Fatal(err)
				}
			}
			for i, wait := range waits {
				if err := wait(progtest.Patience); err != nil {
					unix.Kill(children[i], unix.SIGKILL)
					t.Errorf("process %d is left: %v", children[i], err)
				}
			}
			cmd.Wait()
			if status := cmd.ProcessState.ExitCode(); status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
		})
	}
}

// Unless it is killed, the program removes all files that it has made: its links to
// the programs in the cache, and the folders of servers and clients.
func TestRemovesFiles(t *testing.T) {
	gocache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir, cache, tmp := t.TempDir(), t.TempDir(), t.TempDir()
	path := filepath.Join(dir, "show") // alone, so it has to build
	if err := os.Symlink(os.Args[0], path); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(show *os.Process, stdout io.Closer) error{
		"by itself":     func(_ *os.Process, stdout io.Closer) error { return nil },
		"terminated":    func(show *os.Process, _ io.Closer) error { return show.Signal(syscall.SIGTERM) },
		"output closed": func(_ *os.Process, stdout io.Closer) error { return stdout.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(path, "chapter07")
			cmd.Env = append(os.Environ(), isShow+"=", "XDG_CACHE_HOME="+cache, "TMPDIR="+tmp, "GOCACHE="+strings.TrimSpace(string(gocache)))
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			lines := bufio.NewReaderSize(stdout, 16)
			if line, err := lines.ReadString('\n'); line != "=== srv_single\n" {
				t.Fatalf("it printed %q, %v", line, err)
			}
			runs := filepath.Join(cache, "fopnp", "runs")
			if links, err := os.ReadDir(runs); err != nil || len(links) != 2 {
				t.Fatalf("there are %v, %v, want a folder and its lock", links, err)
			}
			if err := end(cmd.Process, stdout); err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, lines)
			cmd.Wait()
			for _, folder := range []string{runs, tmp} {
				if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
					t.Errorf("these are left: %v, %v", left, err)
				}
			}
		})
	}
}

// childrenOf waits until a process has n children, and returns them.
func childrenOf(t *testing.T, pid, n int) (children []int) {
	t.Helper()
	progtest.Until(t, "the server and the client have started", func() bool {
		children = kernel.Children(pid)
		return len(children) == n
	})
	return children
}
