package live

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
	"fopnp/internal/check/transcript"
	"fopnp/internal/netns"
)

// Each server has a new token of 128 bits, and no other process sees it.
func TestToken(t *testing.T) {
	b, c := open(t, true), New(Config{})
	defer c.Close()
	if b.Token() == c.Token() || len(b.Token()) < 26 {
		t.Errorf("the tokens are %q and %q", b.Token(), c.Token())
	}
	reader := b.visit(t)
	reader.send(request{Do: "terminal"})
	reader.until("there is a terminal", func() bool { return len(reader.panes) == 2 })
	for _, file := range []string{"cmdline", "environ"} {
		for _, pid := range append(kernel.Descendants(os.Getpid()), os.Getpid()) {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err == nil && strings.Contains(string(text), b.Token()) {
				t.Errorf("%s of process %d has the token", file, pid)
			}
		}
	}
}

// No process is left, and no file, when the reader closes or reloads the page, or when
// the server is interrupted or killed.
func TestNothingIsLeft(t *testing.T) {
	t.Run("private", func(t *testing.T) {
		t.Parallel()
		testNothingIsLeft(t, "private")
	})
	t.Run("shared", func(t *testing.T) {
		if !inside() && netns.Supported() == nil {
			t.Parallel()
			runInside(t)
			return
		}
		testNothingIsLeft(t, "shared")
	})
}

func testNothingIsLeft(t *testing.T, kind string) {
	if err := netns.Supported(); err != nil && kind == "private" {
		t.Skip(err)
	}
	all, err := readPages()
	if err != nil {
		t.Fatal(err)
	}
	ask := (&book{pages: all}).block(readme, "go run ./chapter07/client localhost")
	for _, end := range []struct {
		what string
		do   func(c *client, server *os.Process)
	}{
		{"the browser leaves", func(c *client, _ *os.Process) { c.conn.CloseNow() }},
		{"the server is interrupted", func(_ *client, server *os.Process) { server.Signal(os.Interrupt) }},
		{"the server is killed", func(_ *client, server *os.Process) { server.Kill() }},
	} {
		folder := tempDir(t)
		cmd, url, token := startAlone(t, kind, folder)
		c := visit(t, url, token)
		c.run(readme, ask)
		c.allAsPrinted(2)
		c.send(request{Do: "terminal"})
		c.until("there is a terminal", func() bool { return len(c.panes) == 3 })
		terminal := c.pane(terminalPane)
		// These processes have their own session and no terminal, and ignore INT, HUP
		// and TERM.
		c.send(request{Do: "keys", Pane: terminal, Keys: "(trap '' INT HUP TERM; setsid sleep 1000 & setsid sleep 1000) & echo is''there\r"})
		c.until("the command runs", func() bool { return strings.Contains(c.screens[terminal], "isthere") })
		running := kernel.Descendants(cmd.Process.Pid)
		if homes := homesIn(folder); len(running) < 5 || len(homes) != 1 {
			t.Errorf("%s: %d processes and the folders %q are there before", end.what, len(running), homes)
		}

		end.do(c, cmd.Process)
		untilNothingIsLeft(t, end.what, folder, running)
		cmd.Process.Kill()
		cmd.Wait()
	}
}

// A server that is killed while its reader waits for the system's network leaves
// nothing, either.
func TestKilledWhileWaiting(t *testing.T) {
	if !inside() && netns.Supported() == nil {
		runInside(t)
		return
	}
	folder := tempDir(t)
	t.Setenv("TMPDIR", folder)
	unlock, err := transcript.LockSystem()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	cmd, url, token := startAlone(t, "shared", folder)
	c := visit(t, url, token)
	c.send(request{Do: "terminal"})
	c.until("it waits", func() bool { return len(c.notes) == 1 })
	running := kernel.Descendants(cmd.Process.Pid)
	cmd.Process.Kill()
	cmd.Wait()
	untilNothingIsLeft(t, "the server is killed while it waits", folder, running)
}

// startAlone starts a server in a process of its own, with a folder for its temporary
// files, and returns its address and its token.
func startAlone(t *testing.T, kind, folder string) (cmd *exec.Cmd, url, token string) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TMPDIR="+folder, servesEnv+"="+kind,
		binEnv+"="+cmp.Or(os.Getenv(binEnv), progtest.Bin()))
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	url, token, _ = strings.Cut(strings.TrimSpace(line), " ")
	return cmd, url, token
}

// untilNothingIsLeft waits until the running processes have ended and folder has
// no session folder in it.
func untilNothingIsLeft(t *testing.T, what, folder string, running []int) {
	t.Helper()
	begin := time.Now()
	runs := func(pid int) bool { return syscall.Kill(pid, 0) == nil && !isZombie(pid) }
	defer func() {
		if t.Failed() {
			t.Logf("the processes were %d, and the folders are %q", running, homesIn(folder))
		}
	}()
	progtest.Until(t, what+" leaves nothing", func() bool {
		return !slices.ContainsFunc(running, runs) && len(homesIn(folder)) == 0
	})
	t.Logf("%s: nothing is left after %v", what, time.Since(begin).Round(time.Millisecond))
}

// homesIn returns the folders of sessions in a folder.
func homesIn(folder string) []string {
	homes, _ := filepath.Glob(filepath.Join(folder, "transcript*"))
	return homes
}

// isZombie reports whether a process has ended and its parent has not waited
// for it.
func isZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func procFile(pid int, name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }
