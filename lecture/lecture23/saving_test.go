//go:build unix || windows

package lecture23_test

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// entries returns the names of all that is in folder.
func entries(t testing.TB, folder string) string {
	t.Helper()
	there, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range there {
		names = append(names, entry.Name())
	}
	return strings.Join(names, " ")
}

// oldPage returns a file that has an old page.
func oldPage(t testing.TB) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(old), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// isOld fails the test if the file has another page, or if there is anything
// beside it.
func isOld(t testing.TB, file string) {
	t.Helper()
	if got, err := os.ReadFile(file); err != nil || string(got) != old {
		t.Errorf("the file has %q (%v)", got, err)
	}
	if there := entries(t, filepath.Dir(file)); there != filepath.Base(file) {
		t.Errorf("the folder has %s", there)
	}
}

// While a page arrives, the client writes it to another file, and the old file
// stays as it is. A signal ends the client, which removes the other file first.
// A second client does not get in the way.
func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals")
	}
	t.Parallel()
	for _, client := range webClients {
		for _, end := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
			t.Run(client.name+"/"+end.String(), func(t *testing.T) {
				if signal.Ignored(end) { // by nohup, or in the background
					t.Skip("the client would ignore it, too")
				}
				t.Parallel()
				file := oldPage(t)
				listener, port := progtest.Listen(t)
				var running []*progtest.Play
				for range 2 {
					running = append(running, progtest.Perform(t, "", client.name, "http://127.0.0.1:"+port+"/", "-o", file))
					conn, err := accept(listener, false)
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
					conn.says(ok + "Content-Length: 10\r\n\r\nhello")
				}
				isThere := func(begin string, n int) func() bool {
					return func() bool {
						begun := 0
						others, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
						for _, other := range others {
							if text, err := os.ReadFile(other); err == nil && string(text) == begin {
								begun++
							}
						}
						return begun == n && len(others) == n
					}
				}
				progtest.Until(t, "two other files have the beginning of the page", isThere("hello", 2))
				for i, client := range running {
					if got, err := os.ReadFile(file); err != nil || string(got) != old {
						t.Errorf("the file has %q (%v)", got, err)
					}
					if err := client.Cmd.Process.Signal(end); err != nil {
						t.Fatal(err)
					}
					client.Cmd.Wait()
					if status := client.Cmd.ProcessState.ExitCode(); status != 128+int(end) {
						t.Errorf("the status is %d", status)
					}
					if !isThere("hello", 1-i)() {
						t.Errorf("the folder has %s", entries(t, filepath.Dir(file)))
					}
				}
				isOld(t, file)
			})
		}
	}
}

// A signal that the client was started to ignore, as nohup does, does not end
// it.
func TestIgnoredSignal(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if runtime.GOOS == "windows" || err != nil {
		t.Skip("there is no sh")
	}
	t.Parallel()
	for _, client := range webClients {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			file := oldPage(t)
			listener, port := progtest.Listen(t)
			cmd := exec.Command(sh, "-c", `trap "" HUP; exec "$@"`, "sh",
				filepath.Join(progtest.Bin(), client.name), "http://127.0.0.1:"+port+"/", "-o", file)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			conn, err := accept(listener, false)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.says(ok + "Content-Length: 5\r\n\r\nhel")
			progtest.Until(t, "the page has begun", func() bool {
				others, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
				return len(others) == 1
			})
			if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			conn.says("lo")
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != "hello" {
				t.Errorf("the file has %q (%v)", got, err)
			}
		})
	}
}

// The client renames the other file when the page is whole. So the file becomes
// the new page at once, and a reader of the old page still has all of it.
func TestRename(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot rename a file that another program has open")
	}
	t.Parallel()
	for _, client := range webClients {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			file := oldPage(t)
			listener, port := progtest.Listen(t)
			running := progtest.Perform(t, "", client.name, "http://127.0.0.1:"+port+"/", "-o", file)
			conn, err := accept(listener, false)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.says(ok + "Content-Length: 5\r\n\r\nhel")
			var others []string
			progtest.Until(t, "the page has begun", func() bool {
				others, _ = filepath.Glob(filepath.Join(filepath.Dir(file), ".*"))
				return len(others) == 1
			})
			other, err := os.Open(others[0]) // so no new file gets its number
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			conn.says("lo")
			if said, err := running.Ends(); err != nil {
				t.Fatal(err, said)
			}
			began, err1 := other.Stat()
			saved, err2 := os.Lstat(file)
			if err1 != nil || err2 != nil || !os.SameFile(began, saved) {
				t.Errorf("the file is not the one that the client wrote (%v, %v)", err1, err2)
			}
		})
	}
}

// The timeout limits how long the server is silent, not how long the header or
// the page takes. The server sends a byte now and then, for longer than the
// client would wait for one.
func TestSlowPage(t *testing.T) {
	t.Parallel()
	for _, client := range webClients {
		for _, part := range slowParts {
			t.Run(client.name+"/"+part.name, func(t *testing.T) {
				t.Parallel()
				if err := part.check(t, client); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A slowPart is an answer that comes at once, except one part of it.
type slowPart struct{ name, begin, slowly, page string }

var slowParts = []slowPart{
	{"header", ok + "Content-Length: 0\r\nX-Fill: ", slowBytes + "\r\n\r\n", ""},
	{"page", ok + "Content-Length: 100\r\n\r\n", slowBytes, slowBytes},
}

var slowBytes = strings.Repeat("x", 100)

// check runs the check. It fails a client that limits the whole part every
// time. A busy machine may be silent for a second, so any other client may try
// again with a longer timeout.
func (s slowPart) check(t testing.TB, client webClient) error {
	if s.in(t, client, time.Second) == nil {
		return nil
	}
	return s.in(t, client, 4*time.Second)
}

// in lets a client receive a part that takes twice its timeout.
func (s slowPart) in(t testing.TB, client webClient, timeout time.Duration) error {
	slowly := check{args: []string{"-t", timeout.String()}, page: s.page, peer: func(p *peer) {
		p.says(s.begin)
		tick := time.NewTicker(timeout / 50) // and there are 100 bytes or more
		defer tick.Stop()
		for _, b := range []byte(s.slowly) {
			<-tick.C
			if _, err := p.Write([]byte{b}); err != nil {
				return
			}
		}
	}}
	return slowly.run(t, client)
}

// A page replaces a file, but no folder, no device and no link to a device. The
// client reports a file that it cannot create.
func TestNoFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	linkToNull := filepath.Join(t.TempDir(), "link")
	files := map[string]string{
		folder: "is a directory",
		filepath.Join(folder, "nosuch", "page.html"): "no such file or directory",
	}
	switch runtime.GOOS {
	case "windows":
		t.Skip("Windows words these errors differently")
	case "linux":
		files["/dev/full"] = "not a plain file"
		files["/dev/null"] = "not a plain file"
		files[linkToNull] = "not a plain file"
		if err := os.Symlink("/dev/null", linkToNull); err != nil {
			t.Fatal(err)
		}
	}
	for _, client := range webClients {
		for file, why := range files {
			t.Run(client.name+"/"+filepath.Base(file)+": "+why, func(t *testing.T) {
				t.Parallel()
				listener, port := progtest.Listen(t)
				running := progtest.Perform(t, "", client.name, "http://127.0.0.1:"+port+"/", "-o", file)
				answer(t, listener, page("hello"))
				running.Cmd.Wait()
				stdout := ""
				if !client.easy {
					stdout = "\nThe processed information:\nURL into list: ['http:', '', '127.0.0.1:" + port + "', '']\n" +
						"server name: 127.0.0.1:" + port + "\npage path: /\nconnected successfully...\nrequest sent successfully...\n" +
						"End of the header:  34\nLength of the content is  5\n"
				}
				running.Prints(t, stdout, client.name+": save "+file+": "+why+"\n")
			})
		}
	}
	t.Cleanup(func() {
		if runtime.GOOS == "linux" {
			if to, err := os.Readlink(linkToNull); to != "/dev/null" {
				t.Errorf("the link leads to %q (%v)", to, err)
			}
		}
		if there := entries(t, folder); there != "" {
			t.Errorf("the folder has %s", there)
		}
	})
}

// A page is as public as the umask allows, like any new file.
func TestMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	t.Parallel()
	file := oldPage(t)
	plain := filepath.Join(t.TempDir(), "plain")
	if err := exec.Command("touch", plain).Run(); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(plain)
	if err != nil {
		t.Fatal(err)
	}
	c := check{peer: sends(page("hello")), page: "hello", setup: os.Remove, lookAt: func(file string) error {
		got, err := os.Stat(file)
		if err != nil || got.Mode() != want.Mode() {
			t.Errorf("%v, want %v (%v)", got.Mode(), want.Mode(), err)
		}
		return nil
	}}
	if err := c.run(t, webClients[0]); err != nil {
		t.Error(err)
	}
	isOld(t, file)
}
