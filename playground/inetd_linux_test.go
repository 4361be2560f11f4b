package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/transcript"
	"fopnp/internal/netns"
)

// The session of the book's chapter 7 with inetd, typed on h1 word by word, works
// with the machine's inetd and with ours. The server sees the modem's address.
func TestInetdHost(t *testing.T) {
	needsNamespaces(t)
	for _, own := range []string{"", "PLAYGROUND_OWN=1"} {
		name := "our inetd"
		if own == "" {
			name = "the machine's inetd"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, program := range []string{"inetd", "ssh", "scp"} {
				if _, err := exec.LookPath(program); err != nil && own == "" {
					t.Skip(err)
				}
			}
			cmd := command("h1")
			cmd.Dir = repository(t)
			cmd.Env = append(cmd.Env, own)
			typeInetdSession(t, cmd)
		})
	}
}

// repository returns the folder of a repository with the inetd pair in bin.
func repository(t *testing.T) string {
	folder := t.TempDir()
	for from, to := range map[string]string{
		"../go.mod":                              "go.mod",
		"../inetd.conf":                          "inetd.conf",
		filepath.Join(progtest.Bin(), "in_zen1"): "bin/in_zen1",
		filepath.Join(progtest.Bin(), "in_zen2"): "bin/in_zen2",
		filepath.Join(progtest.Bin(), "client"):  "bin/client",
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		to = filepath.Join(folder, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func typeInetdSession(t *testing.T, cmd *exec.Cmd) {
	d := dialogue(t, cmd)
	const h1, ftp = "root@h1:/fopnp/bin# ", "root@ftp:~# "
	d.until("# ")
	zen := []string{
		"b'Beautiful is better than?' b'Ugly.'",
		"b'Explicit is better than?' b'Implicit.'",
		"b'Simple is better than?' b'Complex.'",
	}
	for _, line := range []struct {
		typed, prompt string
		prints        []string // in any order; nil means anything
	}{
		{"cd /fopnp/bin", h1, none},
		{"scp in_zen1 in_zen2 ftp.example.com:/", h1, nil},
		{"scp ../inetd.conf ftp.example.com:", h1, nil},
		{"ssh ftp.example.com", ftp, nil},
		{"cat inetd.conf >> /etc/inetd.conf", ftp, none},
		{"/etc/init.d/openbsd-inetd reload", ftp, none},
		{"chmod a+rx /in_zen*", ftp, none},
		{"exit", h1, []string{"logout", "Connection to ftp.example.com closed."}},
		{"client ftp.example.com -p 1060", h1, zen},
		{"client ftp.example.com -p 1061", h1, zen},
		{"client ftp.example.com", h1, zen},
		{"client -p 1061 ftp.example.com", h1, zen},
		{"ssh ftp.example.com", ftp, nil},
	} {
		got := d.enter(line.typed, line.prompt)
		if line.prints != nil && !sameLines(got, line.prints) {
			t.Errorf("%s printed %q, want %q", line.typed, got, line.prints)
		}
	}
	// Both programs have noticed that their clients left, or will notice soon.
	var log []string
	for range 4 {
		log = append(log, "Accepted connection from ('10.25.1.65', PORT)", "Client socket to ('10.25.1.65', PORT) has closed")
	}
	var got string
	for deadline := time.Now().Add(progtest.Patience); time.Now().Before(deadline); {
		if got = transcript.Normalize(d.enter("cat /tmp/zen.log", ftp)); sameLines(got, log) {
			break
		}
	}
	if !sameLines(got, log) {
		t.Errorf("the log is\n%s", got)
	}
	d.enter("exit", h1)
	d.press("exit")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// none are the lines of a command that prints nothing.
var none = []string{}

// sameLines reports whether text has the lines, in any order.
func sameLines(text string, lines []string) bool {
	got := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if text == "" {
		got = none
	}
	return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(lines)))
}

// A conversation is one with a shell at a terminal.
type conversation struct {
	t        *testing.T
	terminal *os.File
	unread   string
}

// dialogue starts a command at a terminal.
func dialogue(t *testing.T, cmd *exec.Cmd) *conversation {
	t.Helper()
	ours, theirs, err := netns.OpenTerminal()
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	cmd.Env = append(cmd.Env, "TERM=dumb")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() // fails if it has exited
		ours.Close()
	})
	return &conversation{t: t, terminal: ours}
}

func (c *conversation) press(line string) {
	if _, err := io.WriteString(c.terminal, line+"\r"); err != nil {
		c.t.Fatal(err)
	}
}

// until returns what the terminal shows until it ends in prompt.
func (c *conversation) until(prompt string) string {
	c.t.Helper()
	c.terminal.SetReadDeadline(time.Now().Add(progtest.Patience))
	for buffer := make([]byte, 4096); !strings.HasSuffix(c.unread, prompt); {
		n, err := c.terminal.Read(buffer)
		if err != nil {
			c.t.Fatalf("%v; the terminal shows:\n%s", err, c.unread)
		}
		c.unread += strings.ReplaceAll(string(buffer[:n]), "\r\n", "\n")
	}
	shown := strings.TrimSuffix(c.unread, prompt)
	c.unread = ""
	return shown
}

// enter types a line and returns what it prints until the prompt comes.
func (c *conversation) enter(line, prompt string) string {
	c.t.Helper()
	c.press(line)
	_, printed, _ := strings.Cut(c.until(prompt), "\n") // the first line is the echo
	return transcript.Screen(printed)
}

// The programs that inetd starts are in the user's time zone and know the network's
// authority, like all other programs on a host.
func TestInetdEnvironment(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	cmd := command("ftp", `tr '\0' '\n' <"/proc/$(cat /run/inetd.pid)/environ" | sed -n 's/^\(TZ\|SSL_CERT_FILE\)=.*/\1/p' | sort`)
	cmd.Env = append([]string{"TZ=Asia/Tokyo"}, cmd.Env...)
	out, err := cmd.CombinedOutput()
	if want := "SSL_CERT_FILE\nTZ\n"; string(out) != want || err != nil {
		t.Errorf("inetd has the variables %q (%v), want %q", out, err, want)
	}
}

// A host's first process has none of the user's variables, except the one that says
// where programs built with -cover write. Without it, they would complain when the
// playground ends.
func TestFirstEnvironment(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	cmd := command("h1", `tr '\0' '\n' </proc/1/environ`)
	folder := t.TempDir()
	cmd.Env = append(cmd.Env, "GOCOVERDIR="+folder)
	out, err := cmd.CombinedOutput()
	if want := "GOCOVERDIR=" + folder + "\n"; string(out) != want || err != nil {
		t.Errorf("it has %q (%v), want %q", out, err, want)
	}
}
