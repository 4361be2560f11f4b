package program

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// If this variable is set, the test binary is a program that prints long lines.
const variable = "PROGRAM_TEST_PRINTS"

func TestMain(m *testing.M) {
	if letter := os.Getenv(variable); letter != "" {
		line := strings.Repeat(letter, 9000)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 10 {
				Complain(line, io.EOF)
			}
		}()
		for range 10 {
			Printf("%s %s\n", line, line)
			Println(letter, letter)
		}
		<-done
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// smallPipe returns a pipe that holds only one page of memory.
func smallPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	narrow(t, w)
	return r, w
}

func narrow(t *testing.T, pipe *os.File) {
	t.Helper()
	if _, err := unix.FcntlInt(pipe.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		t.Fatal(err)
	}
}

// Lines of several processes that share pipes do not mix, whether the pipes are
// blocking or not. Stdout and stderr are one pipe or two. If they are two, the
// processes wait for each other at both.
func TestWholeLines(t *testing.T) {
	for _, test := range []struct {
		name                string
		nonblocking, shared bool
	}{
		{"one pipe", false, true},
		{"one non-blocking pipe", true, true},
		{"two pipes", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			stdoutR, stdoutW := smallPipe(t)
			stderrR, stderrW := stdoutR, stdoutW
			if !test.shared {
				stderrR, stderrW = smallPipe(t)
			}
			deadline := time.Now().Add(30 * time.Second)
			texts := make(chan string, 2)
			collect := func(r *os.File) {
				r.SetReadDeadline(deadline)
				text, err := io.ReadAll(r)
				if err != nil {
					t.Error(err)
				}
				texts <- string(text)
			}
			descriptors := []uintptr{0, stdoutW.Fd(), stderrW.Fd()}
			if test.nonblocking { // os/exec would make the pipe blocking again
				unix.SetNonblock(int(descriptors[1]), true)
			}
			for _, letter := range []string{"x", "y", "z"} {
				pid, err := syscall.ForkExec(os.Args[0], os.Args[:1], &syscall.ProcAttr{
					Env:   append(os.Environ(), variable+"="+letter),
					Files: descriptors,
				})
				if err != nil {
					t.Fatal(err)
				}
				process, _ := os.FindProcess(pid)
				defer process.Wait()
				defer process.Kill()
			}
			stdoutW.Close()
			stderrW.Close()
			if test.nonblocking { // package os must not lose lines when the reader is slow
				<-time.After(2 * toBegin)
			}
			go collect(stdoutR)
			text := ""
			if !test.shared {
				go collect(stderrR)
				text = <-texts
			}
			text += <-texts
			checkLines(t, text)
		})
	}
}

// checkLines fails the test unless text has exactly the lines of its three
// programs.
func checkLines(t *testing.T, text string) {
	t.Helper()
	want := map[string]int{}
	for _, letter := range []string{"x", "y", "z"} {
		line := strings.Repeat(letter, 9000)
		want[line+" "+line] += 10
		want[letter+" "+letter] += 10
		want[Name()+": "+line+": socket closed"] += 10
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if want[line]--; want[line] < 0 {
			t.Errorf("a line of %d bytes that begins with %.60q", len(line), line)
		}
	}
	for line, n := range want {
		if n > 0 {
			t.Errorf("%d lines are missing that begin with %.60q", n, line)
		}
	}
}

// fifo makes a named pipe.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// opened opens a named pipe for reading. It does not wait for a writer.
func opened(t *testing.T, path string) *os.File {
	t.Helper()
	r, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	r.SetReadDeadline(time.Now().Add(30 * time.Second))
	return r
}

// A log that is a named pipe does not block the program, even if the pipe has
// no reader or is full.
func TestFullLog(t *testing.T) {
	log := Log{Path: fifo(t)}
	if err := log.Append([]byte("lost\n")); err != errNoReader {
		t.Errorf("the pipe has no reader, and the error is %v", err)
	}
	r := opened(t, log.Path)
	if err := log.Append(nil); err != nil {
		t.Error(err)
	}
	line := append(bytes.Repeat([]byte("x"), 1<<10-1), '\n')
	for i := range 3 {
		if err := log.Append(bytes.Repeat(line, 100)); err != errFull {
			t.Errorf("attempt %d, and the error is %v", i, err)
		}
	}
	kept := make([]byte, 1<<20)
	n, err := r.Read(kept)
	if n == 0 || n%len(line) != 0 || !bytes.Equal(kept[:n], bytes.Repeat(line, n/len(line))) {
		t.Errorf("the pipe has %d bytes of lines (%v)", n, err)
	}
	if err := log.Append(line); err != nil {
		t.Errorf("there is room again, and the error is %v", err)
	}
	r.Close()
	if err := log.Append(line); !errors.Is(err, unix.EPIPE) {
		t.Errorf("the reader has left, and the error is %v", err)
	}
	if err := log.Append(line); err != errNoReader {
		t.Errorf("the pipe still has no reader, and the error is %v", err)
	}
	r = opened(t, log.Path)
	for range 2 {
		if err := log.Append(line); err != nil {
			t.Errorf("the pipe has a reader again, and the error is %v", err)
		}
	}
	kept = kept[:2*len(line)]
	if _, err := io.ReadFull(r, kept); err != nil || !bytes.Equal(kept, bytes.Repeat(line, 2)) {
		t.Errorf("the new reader gets %q (%v)", kept, err)
	}
}

// A line that has begun is never cut. Append finishes it when there is room,
// even if that takes longer than a line may wait to begin.
func TestLongLineInLog(t *testing.T) {
	log := Log{Path: fifo(t)}
	r := opened(t, log.Path)
	narrow(t, r)
	line := append(bytes.Repeat([]byte("x"), 20000), '\n')
	appended := make(chan error)
	go func() { appended <- log.Append(line) }()
	waitUntilFull(t, r)
	<-time.After(2 * toBegin)
	got := make([]byte, len(line))
	for n := 0; n < len(got); {
		some, err := r.Read(got[n:])
		if err != nil && err != io.EOF { // io.EOF: Append has not opened it yet
			t.Fatal(err)
		}
		n += some
	}
	if err := <-appended; err != nil || !bytes.Equal(got, line) {
		t.Errorf("the line is not whole (%v)", err)
	}
}

// Two programs that append to one named pipe do not mix lines, and a program
// does not wait long for another that holds the lock.
func TestSharedLog(t *testing.T) {
	log := Log{Path: fifo(t)}
	r := opened(t, log.Path)
	narrow(t, r)
	w, err := os.OpenFile(log.Path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable+"=x")
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	waitUntilFull(t, w)
	if err := log.Append([]byte("lost\n")); !errors.Is(err, errFull) {
		t.Errorf("another program is in the middle of its line, and the error is %v", err)
	}
}

// waitUntilFull waits until a pipe has no room.
func waitUntilFull(t *testing.T, pipe *os.File) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		n, err := unix.IoctlGetInt(int(pipe.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		if n == os.Getpagesize() {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the pipe has only %d bytes", n)
		case <-time.After(time.Millisecond):
		}
	}
}
