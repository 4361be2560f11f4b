package lecture23_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// When the disk is full, one line says so, and the old file stays as it was. The
// disk is gone when the script ends, so the script looks at it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, client := range webClients {
		for name, test := range map[string]struct{ answer, saved string }{
			"length":    {page(everyByte), "save page: no space left on device"},
			"no length": {ok + "\r\n" + everyByte, "save page: no space left on device"},
			"small":     {page("hello"), ""},
		} {
			t.Run(client.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				listener, port := progtest.Listen(t)
				cmd := progtest.OnSmallDisk(t, "64k", `echo old >page; "$@" >&2; echo status=$?; ls -A; cat page`,
					filepath.Join(progtest.Bin(), client.name), "http://127.0.0.1:"+port+"/", "-o", "page")
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				answer(t, listener, test.answer)
				cmd.Wait()
				want, complaint := "status=1\npage\nold\n", client.name+": "+test.saved+"\n"
				if test.saved == "" {
					want, complaint = "status=0\npage\nhello", "done\n"
				}
				if stdout.String() != want || !strings.HasSuffix(stderr.String(), complaint) {
					t.Errorf("it ends with %q and %q, want %q and %q", &stderr, &stdout, complaint, want)
				}
			})
		}
	}
}

// Easywebclient shows its progress if stderr is a terminal, and clears the line
// in the end. A line about a failure begins at the left. What goes to stdout
// stays as it is.
func TestProgress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, answer, stdout, screen string }{
		{"page", page(strings.Repeat("x", 100_000)), "done\n", `^\r *0% .*/100 kB\).*\r *\r$`},
		{"no length", ok + "\r\nhello", "done\n", `^\r.* B.*\r *\r$`},
		{"empty", page(""), "done\n", `^$`},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "done\n", `^\r.* B.*\r *\r$`},
		{"cut short", ok + "Content-Length: 10\r\n\r\nhello", "", `/10 B.*\r *\reasywebclient: no page from [^\r]*: received 5 of 10 bytes then socket closed\r\n$`},
		{"404", "HTTP/1.0 404 Not Found\r\n\r\n", "", `^easywebclient: no page from [^\r]*: 404 Not Found\r\n$`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			screen, terminal, err := netns.OpenTerminal()
			if err != nil {
				t.Skip(err)
			}
			defer screen.Close()
			listener, port := progtest.Listen(t)
			cmd := exec.Command(filepath.Join(progtest.Bin(), "easywebclient"), "http://127.0.0.1:"+port+"/", "-o", oldPage(t))
			var stdout bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, terminal
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			terminal.Close()
			shown := make(chan string)
			go func() {
				all, _ := io.ReadAll(screen) // it ends with an error when the client has
				shown <- string(all)
			}()
			answer(t, listener, test.answer)
			cmd.Wait()
			select {
			case text := <-shown:
				if !regexp.MustCompile("(?s)" + test.screen).MatchString(text) {
					t.Errorf("the screen shows %q, want %s", text, test.screen)
				}
			case <-time.After(progtest.Patience):
				t.Error("the client does not end")
			}
			if stdout.String() != test.stdout {
				t.Errorf("stdout is %q, want %q", &stdout, test.stdout)
			}
		})
	}
}

// If webclientFile cannot print a file, it says so and ends with status 1.
func TestFullStdout(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	listener, port := progtest.Listen(t)
	cmd := exec.Command(filepath.Join(progtest.Bin(), "webclientFile"), "127.0.0.1", "-p", port)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = full, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answer(t, listener, page("hello"))
	cmd.Wait()
	const want = "webclientFile: print the file of 127.0.0.1: no space left on device\n"
	if status := cmd.ProcessState.ExitCode(); status != 1 || stderr.String() != want {
		t.Errorf("status %d, %q, want 1, %q", status, &stderr, want)
	}
}
