package basics_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// The client does not wait for a named pipe, follow a symbolic link at
// FILE.part, or replace a device or a link to one.
func TestFileSpecial(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	part, elsewhere := s.file+".part", filepath.Join(t.TempDir(), "elsewhere")
	for _, target := range []string{"/dev/full", elsewhere, filepath.Base(part)} {
		if err := os.Symlink(target, part); err != nil {
			t.Fatal(err)
		}
		s.client().Prints(t, "", "file_client: open "+part+": this is a symbolic link\n")
		os.Remove(part)
	}
	if err := unix.Mkfifo(part, 0o666); err != nil {
		t.Fatal(err)
	}
	s.client().Prints(t, "", "file_client: open "+part+": not a plain file\n")
	if _, err := os.Lstat(elsewhere); err == nil {
		t.Error("the client has followed a symbolic link")
	}
	s.file = "/dev/full"
	s.client().Prints(t, "", "file_client: open /dev/full: not a plain file\n")
	if info, err := os.Lstat("/dev/full"); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		t.Errorf("/dev/full is %v (%v)", info, err)
	}
	s.file = filepath.Join(t.TempDir(), "link")
	for _, target := range []string{"/dev/full", part, "."} { // the part is a named pipe
		if err := os.Symlink(target, s.file); err != nil {
			t.Fatal(err)
		}
		s.client().Prints(t, "", "file_client: open "+s.file+": not a plain file\n")
		if err := os.Remove(s.file); err != nil {
			t.Error(err)
		}
	}
}

// If FILE is a symbolic link, the client replaces the link, and its target
// stays as it was.
func TestFileLink(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	s.write(elsewhere, old)
	if err := os.Symlink(elsewhere, s.file); err != nil {
		t.Fatal(err)
	}
	client := s.client("-t", "0")
	c := s.accept("0 mytext.txt\n")
	c.says(header(hello) + hello)
	c.Close()
	client.Prints(t, complete, "")
	s.has(s.file, hello)
	s.has(elsewhere, old)
}

// If the disk is full, one line says so, and the bytes that have arrived stay.
// When there is room again, the client gets the rest.
func TestFileFullDisk(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	data := strings.Repeat(hello, 100_000)
	if err := os.WriteFile(filepath.Join(folder, "mytext.txt"), []byte(data), 0o666); err != nil {
		t.Fatal(err)
	}
	server := progtest.MustStart(t, "file_server", "127.0.0.1", "-p", "0", "-root", folder)
	out, err := progtest.OnSmallDisk(t, "256k", `
		"$1" 127.0.0.1 mytext.txt -p "$2"
		echo "status $?"
		ls
		mount -o remount,size=8m "$PWD"
		"$1" 127.0.0.1 mytext.txt -p "$2"
		echo "status $?"
		ls
		wc -c <received_file`,
		filepath.Join(progtest.Bin(), "file_client"), server.Port).CombinedOutput()
	want := begun + "file_client: write received_file.part: no space left on device\nstatus 1\nreceived_file.part\n" +
		complete + "status 0\nreceived_file\n1300000\n"
	if err != nil || string(out) != want {
		t.Errorf("%v, it printed:\n%s\nwant:\n%s", err, out, want)
	}
	offset := regexp.MustCompile(`"'[1-9]\d+ mytext`) // the second client asks for the rest
	if _, err := server.WaitFor(offset); err != nil {
		t.Error(err)
	}
}

// The client's memory does not grow with the file.
func TestFileMemory(t *testing.T) {
	if progtest.Race {
		t.Skip("the race detector needs so much memory itself")
	}
	t.Parallel()
	s := newServer(t)
	client := s.client("-t", "0")
	c := s.accept("0 mytext.txt\n")
	const size = 200 << 20
	zeros, hash := make([]byte, 1<<20), sha256.New()
	for range size / len(zeros) {
		hash.Write(zeros)
	}
	fmt.Fprintf(c, "%d %x\n", size, hash.Sum(nil))
	for range size / len(zeros) {
		if _, err := c.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	progtest.Until(t, "the client has written all", func() bool {
		info, err := os.Stat(s.file + ".part")
		return err == nil && info.Size() == size
	})
	kib, err := kernel.Status(client.Cmd.Process.Pid, "VmHWM")
	if err != nil || kib >= 64<<10 {
		t.Errorf("the client had %d KiB of memory for a file of %d (%v)", kib, size>>10, err)
	}
	c.Close()
	client.Prints(t, complete, "")
}

// At a terminal, the client shows how far it is, and then clears the line. It
// does not count the bytes of an earlier transfer, because they would distort
// the speed.
func TestFileProgress(t *testing.T) {
	t.Parallel()
	ours, theirs, err := netns.OpenTerminal()
	if err != nil {
		t.Skip(err)
	}
	defer ours.Close()
	s := newServer(t)
	s.write(s.file+".part", hello[:5])
	ctx, cancel := context.WithTimeout(t.Context(), progtest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(progtest.Bin(), "file_client"), "127.0.0.1", "-p", s.port, "-o", s.file, "-t", "0")
	cmd.Stderr = theirs
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	c := s.accept("5 mytext.txt\n")
	c.says(header(hello))
	ours.SetReadDeadline(time.Now().Add(progtest.Patience))
	var screen bytes.Buffer
	for !strings.Contains(screen.String(), " 0/ 8 B") {
		if _, err := io.CopyN(&screen, ours, 1); err != nil {
			t.Fatalf("the client shows %q (%v), and not that 0 of 8 bytes came", screen.String(), err)
		}
	}
	c.says(hello[5:7])
	c.Close()
	cmd.Wait()
	io.Copy(&screen, ours) // ends with an error, because no process has the terminal
	shown := strings.TrimSuffix(screen.String(), "\r\n")
	last := shown[strings.LastIndexByte(shown, '\r')+1:]
	if want := strings.TrimSuffix(s.complains("received 7 of 13 bytes then socket closed"), "\n"); last != want {
		t.Errorf("the last line is %q, want %q; the client shows %q", last, want, shown)
	}
}
