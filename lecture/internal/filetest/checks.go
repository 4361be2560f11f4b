package filetest

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

// checks are those that only file servers have. Each works on files of its own.
func (f *folder) checks() []conform.Check {
	return append([]conform.Check{
		conform.Shared("offsets", offsets),
		conform.Shared("offsets/wrong", wrongOffsets),
		conform.Shared("names", names),
		conform.Shared("names/wrong", wrongNames),
		conform.Shared("names/outside", f.outside),
		conform.Shared("names/no request", noRequest),
		conform.Shared("names/longest", longestRequest),
		conform.Shared("links/inside", f.linksInside),
		conform.Shared("links/outside", f.linksOutside),
		conform.Shared("not plain", f.notPlain),
		conform.Shared("changes/between", f.changesBetween),
		conform.Shared("changes/while hashed", f.changesWhileHashed),
		conform.Shared("sent/file vanishes", f.vanishes),
		conform.Shared("sent/file shrinks", f.shrinks),
		conform.Shared("sent/file grows", f.grows),
		conform.Shared("sent/client crashes", conform.Beside(f.crashes)),
		conform.Alone("sent/client never reads", f.neverReads, "-t", "0.5"),
		conform.Alone("many at once", f.manyAtOnce),
		conform.Alone("idle crowd", idleCrowd),
		conform.Alone("a large file", f.large),
		{Name: "stop/while sending", Run: f.stopWhileSending},
		{Name: "stop/while sending/never reads", Run: f.stopNeverReads},
	}, f.linuxChecks()...)
}

// A client gets the rest of a file from its offset on. Length and hash are
// always those of the whole file.
func offsets(t *conform.Trial) {
	for offset := range len(text) + 1 {
		gets(t, name, text, offset)
	}
	gets(t, "empty", "", 0)
	c := t.Connect()
	c.Send("0007 " + name + "\n")
	c.Expect(answer(text, 7))
	c.Leave()
}

// An offset is decimal digits, and not beyond the end.
func wrongOffsets(t *conform.Trial) {
	for _, offset := range []string{
		"14", "100000", "9223372036854775807", "9223372036854775808", "18446744073709551616", strings.Repeat("9", 4000),
		"-1", "-0", "+1", "0x1", "1e0", "1.0", "1_0", "x", "", "\t1", " 1", "\u0661",
	} {
		refused(t, offset+" "+name+"\n")
	}
	refused(t, "1 empty\n")
}

// A name may have blanks and letters of any language. It is cleaned as long as it
// stays below the folder.
func names(t *conform.Trial) {
	for _, name := range []string{
		"a name with blanks ", "Übergröße", "folder/inner/file", "..file", "./mytext.txt", "folder//inner/./file",
		"folder/../mytext.txt", "folder/inner/../../mytext.txt",
	} {
		gets(t, name, text, 0)
	}
}

// A name that is not there, or cannot be one, is refused.
func wrongNames(t *conform.Trial) {
	for _, name := range []string{
		"nosuch", "nosuch/file", "mytext.txt/", "mytext.txt/x", "mytext.txt ", " mytext.txt", "mytext.txt\r", "MYTEXT.TXT.",
		"mytext.txt\x00", "\x00", "mytext.txt\x00.html", "\xff", "mytext.txt\xff", "\xc3", "\xed\xa0\x80", "\xc0\xafx",
		strings.Repeat("x", 300), strings.Repeat("x/", 2000), "\x1b[2J", "error: x",
	} {
		refused(t, "0 "+name+"\n")
	}
}

// No name leads out of the folder.
func (f *folder) outside(t *conform.Trial) {
	for _, name := range []string{
		"/mytext.txt", "//mytext.txt", f.at(name), f.secret, "/" + f.secret, "../secret", "./../secret", "folder/../../secret", "folder/inner/../../../secret",
		"../served/mytext.txt", "..", "../", "/", "/etc/passwd", "//etc/passwd", "../out/file",
		strings.Repeat("../", 60) + "etc/passwd", `..\secret`, "%2e%2e/secret", "nosuch/../../secret",
	} {
		refused(t, "0 "+name+"\n")
	}
}

// A line without an offset or a name is not a request.
func noRequest(t *conform.Trial) {
	for _, line := range []string{"\n", " \n", "0\n", "0 \n", name + "\n", "0\t" + name + "\n", "GET / HTTP/1.0\r\n", "\x00\n", "\xff \xff\n"} {
		refused(t, line)
	}
}

// A request of 4096 bytes is not too long. One byte more is.
func longestRequest(t *conform.Trial) {
	most := strings.Repeat("./", (4096-len("0 "+name))/2) + name
	gets(t, most, text, 0)
	c := t.Connect()
	c.Send("0 ./" + most[1:] + "\n")
	c.ExpectEnd()
	c.ExpectEnding(t.Error)
}

// A symbolic link may be any part of a name, if it leads to something below the
// folder.
func (f *folder) linksInside(t *conform.Trial) {
	f.link(t, "mytext.txt", "link")
	f.link(t, "folder", "linked")
	f.link(t, "inner", "folder/linked")
	f.link(t, "../../mytext.txt", "folder/inner/up")
	f.link(t, "link", "link to a link")
	for _, name := range []string{
		"link", "linked/inner/file", "folder/linked/file", "linked/linked/file", "folder/inner/up", "linked/linked/up", "link to a link",
	} {
		gets(t, name, text, 0)
	}
}

// No symbolic link leads out of the folder, whatever part of the name it is.
func (f *folder) linksOutside(t *conform.Trial) {
	f.link(t, "../secret", "out")
	f.link(t, f.secret, "absolute")
	f.link(t, "../out", "outer")
	f.link(t, "../../out", "folder/outer")
	f.link(t, "/", "root")
	f.link(t, "..", "parent")
	f.link(t, "out", "link to out")
	f.link(t, f.at(name), "absolute inside")
	f.link(t, "loop", "loop")
	f.link(t, "nosuch", "dangling")
	for _, name := range []string{
		"out", "absolute", "outer/file", "folder/outer/file", "root/etc/passwd", "root" + f.secret, "parent/secret",
		"parent/served/mytext.txt", "link to out", "folder/../out", "absolute inside", "loop", "loop/x", "dangling",
	} {
		refused(t, "0 "+name+"\n")
	}
}

func (f *folder) link(t *conform.Trial, target, name string) {
	if err := os.Symlink(target, f.at(name)); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fail(err)
	}
}

// The server refuses a directory, and everything else that is not a plain file.
// It does not wait for the writer of a named pipe.
func (f *folder) notPlain(t *conform.Trial) {
	for _, name := range append(f.makeSpecialFiles(t), ".", "./", "folder", "folder/", "folder/inner/..") {
		refused(t, "0 "+name+"\n")
	}
}

// A file that has changed has another hash, even if it has the length and the
// time that it had before, and even if it changes at once.
func (f *folder) changesBetween(t *conform.Trial) {
	const name = "changes"
	for i := range 20 {
		data := fmt.Sprintf("version %02d", i)
		f.write(t, name, data)
		if i%2 == 1 {
			then := time.Unix(1_000_000_000, 0)
			os.Chtimes(f.at(name), then, then)
		}
		gets(t, name, data, 0)
	}
	f.write(t, "new", "version 99")
	if err := os.Rename(f.at("new"), f.at(name)); err != nil {
		t.Fail(err)
	}
	gets(t, name, "version 99", 0)
}

// If a file changes while the server reads it, the answer has the hash of its
// final contents, as soon as the file no longer changes. The last change comes at
// some time before, while or after the server reads the file.
func (f *folder) changesWhileHashed(t *conform.Trial) {
	const name = "busy"
	random := rand.New(rand.NewPCG(1, 2))
	f.truncate(t, name, size)
	file, err := os.OpenFile(f.at(name), os.O_WRONLY, 0)
	if err != nil {
		t.Fail(err)
		return
	}
	defer file.Close()
	data := make([]byte, size)
	ask := fmt.Sprintf("%d %s\n", size, name)
	for i := range 12 {
		c := t.Connect()
		c.Send(ask)
		for end := time.Now().Add(time.Duration(i) * 8 * time.Millisecond); ; {
			at := random.IntN(size)
			data[at]++
			if _, err := file.WriteAt(data[at:at+1], int64(at)); err != nil {
				t.Fail(err)
			}
			if time.Now().After(end) {
				break
			}
		}
		c.Rest() // an answer, or that the file keeps changing
		c.Close()
		last := t.Connect()
		last.Send(ask)
		last.Expect(fmt.Sprintf("%d %x\n", size, sha256.Sum256(data)))
		last.Leave()
	}
}

// size is that of a file that is much larger than the buffers of both ends.
const size = 64 << 20

// stuck lets a client ask for a new file and receive the beginning of the answer. The
// server cannot send all of the file.
func (f *folder) stuck(t *conform.Trial, name string) *conform.Client {
	os.Remove(f.at(name))
	f.truncate(t, name, size)
	c := t.Connect()
	c.Send("0 " + name + "\n")
	c.Expect(fmt.Sprintf("%d ", size))
	return c
}

// A file that is removed while the server sends it arrives all the same.
func (f *folder) vanishes(t *conform.Trial) {
	c := f.stuck(t, "vanishes")
	if err := os.Remove(f.at("vanishes")); err != nil {
		t.Fail(err)
	}
	f.receive(c, size)
	c.Leave()
}

// If a file becomes shorter while the server sends it, what is left of it
// arrives, and the server reports it.
func (f *folder) shrinks(t *conform.Trial) {
	c := f.stuck(t, "shrinks")
	f.truncate(t, "shrinks", 1000)
	n, err := io.Copy(io.Discard, c)
	if !t.Failed() && (err != nil || n >= size) {
		t.Failf("received %d of %d bytes of a file that became shorter (%v)", n, size, err)
	}
	c.Close()
	c.ExpectEnding(t.Error)
}

// If a file becomes longer, the server sends only the announced length.
func (f *folder) grows(t *conform.Trial) {
	c := f.stuck(t, "grows")
	f.truncate(t, "grows", 2*size)
	f.receive(c, size)
	c.Leave()
}

// receive receives the rest of the header, and size bytes.
func (f *folder) receive(c *conform.Client, size int64) {
	if c.Failed() {
		return
	}
	buffer := make([]byte, 256<<10)
	for left := 65 + size; left > 0 && !c.Failed(); {
		n, err := c.Read(buffer[:min(left, int64(len(buffer)))])
		if left -= int64(n); err != nil && left > 0 {
			c.Failf("%d of %d bytes came, and then: %w", size-left, size, err)
		}
	}
}

// A client that crashes while the server sends to it is reported.
func (f *folder) crashes(t *conform.Trial) {
	c := f.stuck(t, "crashes")
	c.Reset()
	c.ExpectEnding(t.Error)
}

// A client that takes nothing of what it asked for is cut off. The server does
// not say that it has sent the file.
func (f *folder) neverReads(t *conform.Trial) {
	c := f.stuck(t, "never read")
	if line := c.ExpectEnding(t.Error); !t.Failed() && !strings.Contains(line, "timed out") {
		t.Failf("it printed %q, want timed out", line)
	}
	if n, err := io.Copy(io.Discard, c); !t.Failed() && n >= size {
		t.Failf("the client received all %d bytes, and %v", n, err)
	}
	c.Close()
	if strings.Contains(t.Output(), "Done sending") {
		t.Failf("it says that it is done, but it has not sent all")
	}
	gets(t, name, text, 0)
	t.WaitFor(`(?m)^Done sending\n`)
}

// A hundred clients get a file at the same time, each a different one.
func (f *folder) manyAtOnce(t *conform.Trial) {
	var all sync.WaitGroup
	for i := range 100 {
		name, data := fmt.Sprint("file", i), strings.Repeat(fmt.Sprintln(i), 20_000)
		f.write(t, name, data)
		all.Go(func() {
			for offset := range 3 {
				gets(t, name, data, offset)
			}
		})
	}
	all.Wait()
}

// Two thousand clients that say nothing, and some that have sent half a request,
// keep no other client waiting, and cost little memory.
func idleCrowd(t *conform.Trial) {
	n := 2000
	if progtest.Race {
		n = 200
	}
	var silent, half []*conform.Client
	for range n / 2 {
		silent = append(silent, t.Connect())
		c := t.Connect()
		c.Send(request[:4])
		half = append(half, c)
	}
	gets(t, name, text, 0)
	if !progtest.Race {
		t.MemoryBounded()
	}
	for _, c := range half {
		c.Send(request[4:])
		c.Expect(answer(text, 0))
		c.Leave()
	}
	for _, c := range silent {
		c.Close()
		c.ExpectEnding(t.Closed)
	}
}

// A file of 1 GB, or a quarter of it, arrives whole, and the server does not
// hold it in memory.
func (f *folder) large(t *conform.Trial) {
	size := int64(progtest.Count(1<<28, 1<<30))
	if progtest.Race {
		size = 1 << 26 // the race detector makes it slow
	}
	f.truncate(t, "large", size)
	c := t.Connect()
	c.Send("0 large\n")
	c.Expect(fmt.Sprintf("%d ", size))
	f.receive(c, size)
	c.Leave()
	os.Remove(f.at("large"))
	if !progtest.Race {
		t.MemoryBounded()
	}
}

// A server that is told to stop still sends the rest of a file. If the machine
// is busy, the time for that may be over before the client has received it. So
// one server that sends it all is enough.
func (f *folder) stopWhileSending(s conform.Server) (err error) {
	patience := cmp.Or(s.Patience, progtest.Patience)
	for giveUp := time.Now().Add(patience); time.Now().Before(giveUp); {
		err = conform.Alone("", func(t *conform.Trial) {
			c := f.stuck(t, "stopped")
			t.Signal(syscall.SIGTERM)
			f.receive(c, size)
			c.Leave()
			t.ExpectExit(0)
		}).Run(s)
		if err == nil || errors.Is(err, conform.ErrSkipped) {
			return err
		}
	}
	return err
}

// A server that is told to stop does so in a second, even if a client takes
// nothing of what it asked for, and reports that client.
func (f *folder) stopNeverReads(s conform.Server) error {
	return stopsInTime(s, func(t *conform.Trial) (stop func()) {
		c := f.stuck(t, "stopped for ever")
		return func() {
			t.Signal(syscall.SIGTERM)
			t.ExpectExit(0)
			c.ExpectEnding(t.Error)
		}
	})
}

// stopsInTime prepares a server to be stopped, and returns an error unless stop
// takes no longer than a server may. On a busy machine we notice the exit late,
// so one server that exits in time is enough.
func stopsInTime(s conform.Server, prepare func(*conform.Trial) (stop func())) error {
	const bound = 1500 * time.Millisecond
	for giveUp := time.Now().Add(progtest.Patience); ; {
		var took time.Duration
		err := conform.Alone("", func(t *conform.Trial) {
			stop := prepare(t)
			signalled := time.Now()
			stop()
			took = time.Since(signalled)
		}).Run(s)
		if err != nil || took < bound {
			return err
		}
		if time.Now().After(giveUp) || s.Patience != 0 {
			return fmt.Errorf("it took %v to stop", took)
		}
	}
}
