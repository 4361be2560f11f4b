package filetest

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"

	"fopnp/internal/check/conform"
)

func (f *folder) linuxChecks() []conform.Check {
	return []conform.Check{
		conform.Shared("request a byte at a time", byteAtATime),
		conform.Alone("hash/once", f.hashesOnce),
		conform.Alone("hash/again", f.hashesAgain),
		{Name: "files are closed", Run: f.filesAreClosed},
		// Ten goroutines hash while the server has a second to stop. On a busy
		// machine, not all of them may run in that time.
		conform.Check{Name: "stop/while hashing", Run: f.stopWhileHashing}.Tries(3),
	}
}

// A request may arrive in any number of segments.
func byteAtATime(t *conform.Trial) {
	c := t.Connect()
	for _, b := range []byte(request) {
		c.Send(string(b))
		c.WaitUntilRead()
	}
	c.Expect(answer(text, 0))
	c.Leave()
}

const hashed = 16 << 20

// If several clients ask at the same time for a file that no client has asked
// for before, the server reads it once for all. They ask from its end on, so
// the server does not read it to send it.
func (f *folder) hashesOnce(t *conform.Trial) {
	f.truncate(t, "hashed", hashed)
	read := bytesRead(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() { asks(t, "hashed", hashed) })
	}
	all.Wait()
	if n := bytesRead(t) - read; n < hashed || n > 2*hashed {
		t.Failf("for 16 clients it read %d bytes of a file of %d bytes", n, hashed)
	}
	asks(t, "hashed", hashed)
	if n := bytesRead(t) - read; n > 2*hashed {
		t.Failf("for one more client it read the file again, now %d bytes of %d", n, hashed)
	}
}

// If the file changes, the server reads it again.
func (f *folder) hashesAgain(t *conform.Trial) {
	f.truncate(t, "hashed again", hashed)
	asks(t, "hashed again", hashed)
	read := bytesRead(t)
	f.truncate(t, "hashed again", hashed+1)
	asks(t, "hashed again", hashed+1)
	if n := bytesRead(t) - read; n < hashed {
		t.Failf("it read %d bytes of a file that had changed", n)
	}
}

// asks lets a new client ask for a file from its end on.
func asks(t *conform.Trial, name string, size int64) {
	c := t.Connect()
	c.Send(fmt.Sprintf("%d %s\n", size, name))
	c.Expect(fmt.Sprintf("%d ", size))
	c.Rest()
	c.Close()
	c.ExpectEnding(t.Closed)
}

// bytesRead returns how many bytes the server has read.
//
// Source: proc_pid_io(5)
func bytesRead(t *conform.Trial) int64 {
	if t.Failed() {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", t.Pid()))
	if err != nil {
		t.Skip(err.Error())
		return 0
	}
	n, err := strconv.ParseInt(string(regexp.MustCompile(`rchar: (\d+)`).FindSubmatch(text)[1]), 10, 64)
	if err != nil {
		t.Fail(err)
	}
	return n
}

// A server that is told to stop does so in a second, even if it reads many large
// files for their hashes. It tells the clients that they get none.
func (f *folder) stopWhileHashing(s conform.Server) error {
	const clients, large = 10, 1 << 30
	return stopsInTime(s, func(t *conform.Trial) (stop func()) {
		var all []*conform.Client
		read := bytesRead(t)
		for i := range clients {
			name := fmt.Sprint("to be hashed ", i)
			f.truncate(t, name, large)
			c := t.Connect()
			c.Send(fmt.Sprintf("%d %s\n", large, name))
			c.WaitUntilRead()
			all = append(all, c)
		}
		t.Until("the server reads the files", func() bool { return bytesRead(t)-read >= 1<<20 })
		return func() {
			t.Signal(syscall.SIGTERM)
			for _, c := range all {
				c.Expect("error: ")
				c.Rest()
				c.Close()
			}
			t.ExpectExit(0)
		}
	})
}

// However an answer ends, the server closes the file. It does not leave that to
// the garbage collector, which is off here.
func (f *folder) filesAreClosed(s conform.Server) error {
	command := s.Command
	s.Command = func(args ...string) *exec.Cmd {
		cmd := command(args...)
		cmd.Env = append(cmd.Environ(), "GOGC=off")
		return cmd
	}
	return conform.Alone("", func(t *conform.Trial) {
		gets(t, name, text, 0) // opens all that the server needs
		before := t.NumDescriptors()
		gets(t, name, text, 7)
		for _, request := range []string{"14 " + name, "0 folder", "0 nosuch"} {
			refused(t, request+"\n")
		}
		f.crashes(t)
		f.shrinks(t)
		t.Until("all files are closed", func() bool { return t.NumDescriptors() <= before })
	}).Run(s)
}
