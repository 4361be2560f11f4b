package webtest

import (
	"os"
	"syscall"
)

// kernelChecks are about files that only a Unix system has, and about the
// server's process. They are there on Linux only.
var kernelChecks = []check{
	shared("links", links),
	shared("links/inside", linksInside),
	shared("not plain/pipe", namedPipe),
	alone("not plain/device", device, "-root", "/dev"),
	shared("half a request/reset", beside(halfReset)),
	alone("half a request/stop", halfStop),
	alone("out of descriptors/file", noDescriptor),
	{name: "descriptors are closed/files", run: filesAreClosed, alone: true, env: "GOGC=off"},
}

// Symbolic links in any part of a name do not lead out of the folder.
func links(t *trial) {
	for _, target := range []string{
		"/outside.txt", "/sub/outside.txt", "/twiceout.txt", "/insub/outside.txt", "/absolute.txt", // in the last part
		"/above/secret.txt", "/above/www/page.txt", "/more/secret.txt", "/more/", "/top/etc/passwd", // in the first
		"/sub/above/secret.txt", "/sub/above/more/", "/insub/above/secret.txt", // in the middle
		"/linked/",           // its index.html
		"/loop", "/dangling", // to nothing
	} {
		t.missing(target)
	}
}

// Symbolic links may lead to other files of the folder.
func linksInside(t *trial) {
	t.sends("/inside.txt", page)
	t.sends("/twice.txt", page)
	t.sends("/sub/up.txt", page)
	t.sends("/insub/deep.txt", deep)
	t.sends("/insub/", index)
	t.sends("/insub/insub/deep.txt", deep)
	t.sends("/insub/up.txt", page)
	t.sends("/other.html", index)
}

// A named pipe is not a plain file. It has no writer, and the server does not
// wait for one.
func namedPipe(t *trial) {
	t.missing("/pipe.txt")
	t.missing("/pipe.txt/")
}

func device(t *trial) {
	for _, target := range []string{"/null", "/zero", "/full", "/random", "/tty", "/ptmx", "/fd", "/stdin"} {
		if _, err := os.Stat("/dev" + target); err == nil {
			t.missing(target)
		}
	}
}

// A client crashes in the middle of its request. The line quotes the part that
// had arrived.
func halfReset(t *trial) {
	c := t.Connect()
	c.Send(c.Unfinished)
	c.WaitUntilRead()
	c.Reset()
	c.ExpectNaming(quoted(c.Unfinished))
}

// When the server is told to stop, it quotes the part of a request that has
// arrived.
func halfStop(t *trial) {
	c := t.Connect()
	c.Send(c.Unfinished)
	c.WaitUntilRead()
	t.Signal(syscall.SIGTERM)
	c.ExpectEnd()
	c.ExpectNaming(quoted(c.Unfinished))
	t.ExpectExit(0)
}

// A server that has no descriptor for a file does not say that the file is not
// there. It says that it cannot answer now, and why in its log.
func noDescriptor(t *trial) {
	c := t.Connect()
	c.Send("GET /sub/deep.txt HT")
	c.WaitUntilRead()
	feed := t.Starve()
	c.Send("TP/1.0\r\n\r\n")
	t.isRefusal("a request without descriptors", t.hear(c), "503 Service Unavailable")
	c.ExpectEnding(c.Error, "WHY", "too many open files")
	feed()
	t.sends("/sub/deep.txt", deep)
}

// However an answer ends, the server closes the file. It does not leave that to
// the garbage collector: here it is off.
func filesAreClosed(t *trial) {
	before := t.NumDescriptors()
	t.sends("/page.txt", page)
	t.sends("/everybyte.bin", everyByte)
	t.ask("HEAD /page.txt HTTP/1.0\r\n\r\n")
	t.missing("/nosuch")
	t.missing("/bare/")
	t.missing("/sub")
	t.missing("/pipe.txt")
	clientLeaves(t)
	shrinks(t)
	t.Until("all descriptors are closed", func() bool { return t.NumDescriptors() <= before })
}
