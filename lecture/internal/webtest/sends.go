package webtest

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

// manyBytes is the size of a file that no kernel's buffers hold, so the server
// still sends it when its client has received the beginning.
const manyBytes = 64 << 20

// sendChecks are about files that take time to send.
var sendChecks = []check{
	shared("vanishes", vanishes),
	shared("shrinks", shrinks),
	shared("grows", grows),
	shared("client leaves", beside(clientLeaves)),
	alone("a large file", large),
	alone("takes nothing", takesNothing, "-t", "0.5"),
	alone("takes a bit at a time", takesABit, "-t", "1.5"),
	alone("2000 idle clients", idleClients),
	{name: "stop/lets a file arrive", run: stopLetsArrive, alone: true, tries: 5},
	{name: "stop/takes nothing", run: stopTakesNothing, alone: true, tries: 3},
}

// A download is an answer that has not been received to its end.
type download struct {
	*conform.Client
	name   string
	length int // of the file, as announced
	body   int // how much of that has come
}

// begin asks for a file and receives the header and the file's first byte.
func (t *trial) begin(name string, connect func() *conform.Client) *download {
	d := &download{Client: connect(), name: name}
	d.Send(get10("/" + name))
	var head strings.Builder
	for one := make([]byte, 1); !strings.HasSuffix(head.String(), "\r\n\r\n") && !t.Failed(); {
		if _, err := d.Receive(one); err != nil {
			t.Failf("received %.300q, then: %w", head.String(), err)
		}
		head.Write(one)
	}
	if t.Failed() {
		return d
	}
	a, err := parse(head.String())
	if err == nil {
		d.length, err = strconv.Atoi(a.header["Content-Length"])
	}
	if err != nil {
		t.Failf("the answer begins with %q: %w", head.String(), err)
	}
	d.receive(1)
	return d
}

// receive receives n bytes of the file, or fewer if the answer ends before.
func (d *download) receive(n int) (err error) {
	buffer := make([]byte, min(n, 256<<10))
	for n > 0 && err == nil && !d.Failed() {
		var got int
		got, err = d.Receive(buffer[:min(n, len(buffer))])
		d.body += got
		n -= got
	}
	return err
}

// arrives receives the rest of the file. All of it must come, and then the end.
func (d *download) arrives() {
	err := d.receive(d.length - d.body)
	if err != nil {
		d.Failf("%d of %d bytes came, then: %w", d.body, d.length, err)
	}
	d.ExpectEnd()
	d.WaitFor(`(?m)^requested file:  ` + regexp.QuoteMeta(d.name) + `\nfile was found and sent\n`)
}

// isCut receives the rest of the file. The connection must end before all of it
// has come.
func (d *download) isCut() {
	err := d.receive(d.length - d.body)
	if err == nil {
		d.Failf("all %d bytes came", d.length)
	} else if err != io.EOF && err != io.ErrUnexpectedEOF {
		d.Failf("%d of %d bytes came, then: %w", d.body, d.length, err)
	}
}

// breaks waits for the line about a file that was not sent whole. It must say
// why, and how much was sent.
func (d *download) breaks(why string) {
	line := d.ExpectEnding(d.Error)
	want := regexp.MustCompile(`: ` + why + `\d+ of ` + strconv.Itoa(d.length) + " bytes\n$")
	if !d.Failed() && !want.MatchString(line) {
		d.Failf("it printed %q, want %v", line, want)
	}
	if strings.Contains(d.Output(), "requested file:  "+d.name+"\nfile was found and sent\n") {
		d.Failf("it says that it sent %s", d.name)
	}
}

// A file that is removed while it is sent arrives.
func vanishes(t *trial) {
	name := t.sparse(t, manyBytes)
	d := t.begin(name, t.Connect)
	if err := os.Remove(t.path(name)); err != nil {
		t.Fail(err)
	}
	d.arrives()
	t.missing("/" + name)
}

// If a file becomes shorter while it is sent, the connection ends short, and a
// line says so, and how much was sent.
func shrinks(t *trial) {
	name := t.sparse(t, manyBytes)
	defer t.remove(name)
	d := t.begin(name, t.Connect)
	if err := os.Truncate(t.path(name), 100); err != nil {
		t.Fail(err)
	}
	d.isCut()
	d.breaks(fmt.Sprintf("the file ended after (?:%d)?", d.body))
}

// If a file grows while it is sent, as much arrives as was announced.
func grows(t *trial) {
	name := t.sparse(t, manyBytes)
	defer t.remove(name)
	d := t.begin(name, t.Connect)
	if err := os.Truncate(t.path(name), manyBytes+100_000); err != nil {
		t.Fail(err)
	}
	d.arrives()
	if d.length != manyBytes {
		t.Failf("it announced %d bytes, want %d", d.length, manyBytes)
	}
}

// A client that breaks the connection while it receives is reported.
func clientLeaves(t *trial) {
	name := t.sparse(t, manyBytes)
	defer t.remove(name)
	d := t.begin(name, t.Connect)
	d.Reset()
	d.breaks(`(?:connection reset by peer|broken pipe) after we sent `)
}

// A file of 1 GiB, or a quarter of it, arrives, and takes no memory.
func large(t *trial) {
	size := progtest.Count(1<<28, 1<<30)
	name := t.sparse(t, int64(size))
	defer t.remove(name)
	d := t.begin(name, t.Connect)
	d.arrives()
	if d.length != size {
		t.Failf("it announced %d bytes, want %d", d.length, size)
	}
	t.MemoryBounded()
}

// A client that takes nothing is cut off, and no other client is affected.
func takesNothing(t *trial) {
	name := t.sparse(t, manyBytes)
	defer t.remove(name)
	d := t.begin(name, t.ConnectNarrow)
	t.sends("/page.txt", page)
	d.breaks(`timed out after we sent `)
	t.sends("/page.txt", page)
}

// A client that takes a bit at a time is served for longer than the time of -t.
// If the machine was so busy that the client itself took half of that time for
// a bit, another client tries.
func takesABit(t *trial) {
	name := t.sparse(t, 32<<20) // the buffers of this client hold little
	defer t.remove(name)
	for giveUp := time.Now().Add(progtest.Patience); time.Now().Before(giveUp); {
		if t.tookABit(name, 1500*time.Millisecond) || t.Failed() {
			return
		}
	}
	t.Failf("no client could take a bit at a time")
}

// tookABit reports whether a client never needed more than half of timeout for
// a bit. It fails the trial if such a client does not receive the whole file.
// The client is slow for three times timeout, and then receives what is left.
func (t *trial) tookABit(name string, timeout time.Duration) bool {
	start := time.Now()
	d := t.begin(name, t.ConnectNarrow)
	defer d.Close()
	tick := time.NewTicker(timeout / 10)
	defer tick.Stop()
	for last := start; d.body < d.length && !t.Failed(); {
		err := d.receive(min(512<<10, d.length-d.body))
		now := time.Now()
		if now.Sub(last) > timeout/2 {
			return false
		}
		if err != nil {
			t.Failf("it closed the connection after %d bytes and %v: %w", d.body, now.Sub(start), err)
		}
		if last = now; now.Sub(start) < 3*timeout {
			<-tick.C
		}
	}
	d.ExpectEnd()
	return true
}

// Clients that connect and say nothing keep no other client waiting, however
// many they are.
func idleClients(t *trial) {
	for range 2000 {
		t.Connect()
	}
	t.sends("/page.txt", page)
	if !progtest.Race { // the race detector needs memory for each client
		t.MemoryBounded()
	}
}

// A file that is being sent when the server is told to stop arrives, if its
// client is fast enough. The file is larger than the kernel's usual buffers, and
// no larger, because the server waits less than a second for the client.
func stopLetsArrive(t *trial) {
	name := t.sparse(t, 16<<20)
	defer t.remove(name)
	d := t.begin(name, t.Connect)
	idle := t.Connect()
	t.Signal(syscall.SIGTERM)
	idle.ExpectCut() // so the server has noticed the signal
	d.arrives()
	t.ExpectExit(0)
}

// A client that takes nothing does not keep the server from stopping.
func stopTakesNothing(t *trial) {
	const bound = 1500 * time.Millisecond
	name := t.sparse(t, manyBytes)
	defer t.remove(name)
	d := t.begin(name, t.ConnectNarrow)
	start := time.Now()
	t.Signal(syscall.SIGTERM)
	t.ExpectExit(0)
	if took := time.Since(start); took > bound {
		t.Failf("it took %v to stop", took)
	}
	d.breaks(`server stopped after we sent `)
}
