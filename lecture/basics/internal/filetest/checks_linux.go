package filetest

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"

	"fopnp/internal/check/conform"
)

func (f *folder) linuxChecks() []conform.Check {
	return []conform.Check{
		conform.Shared("request a byte at a time", byteAtATime),
		conform.Alone("hash/once", f.hashesOnce),
		conform.Alone("hash/again", f.hashesAgain),
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
