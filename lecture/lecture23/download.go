package lecture23

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/folder"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// A Download is a page that the user of a web client asks for, and how to get
// it.
type Download struct {
	URL     string
	File    string        // where the page is saved
	Timeout time.Duration // how long the server may be silent; 0 is no limit
	Most    int64         // the longest page in bytes
	page    *Page         // what Create has returned
}

// ParseDownload parses the command line of a web client that saves pages to
// file, unless the option -o names another one. If the command line has no URL,
// ParseDownload prompts for it with the lecture's lines.
func ParseDownload(description, file string) *Download {
	parser := argparse.New(description)
	const missing = "\x00" // which no argument can be
	u := parser.OptionalArgument("url", missing, "the page to download,"+
		" such as http://localhost:8080/myData.txt (default: ask for it)")
	o := parser.Path("o", "file", file,
		"save the page to this file (default '%(default)s')")
	t := parser.Seconds("t", time.Minute, "how long the server may be silent"+
		" (default %(default)s, 0: for ever)")
	m := parser.Count("m", "bytes", 100_000_000,
		"the longest page to accept (default %(default)s)")
	parser.Parse()
	if *u == missing {
		*u = askForURL()
	}
	page := strings.TrimSpace(*u)
	return &Download{URL: page, File: *o, Timeout: *t, Most: *m}
}

func askForURL() string {
	fmt.Println("This program allows you to download" +
		" a specified by you web-page.")
	fmt.Println("Please enter the web page you want to download,")
	line, err := lecture.RawInput(
		"       using the format http://domain.name/page/to/download:\n")
	if err != nil {
		program.Fail("read a URL", errors.New("the input has ended"))
	}
	return line
}

// ParseURL parses the URL to download: see the function ParseURL. If the URL is
// bad, the program ends with status 1 and a line that says why.
func (d *Download) ParseURL(schemes ...string) *url.URL {
	u, err := ParseURL(d.URL, schemes...)
	if err != nil {
		program.Fail("bad URL "+pyfmt.Str(d.URL), err)
	}
	return u
}

// SplitURL splits the URL to download: see the function SplitURL. If the URL is
// bad, the program ends as with ParseURL.
func (d *Download) SplitURL() (
	list, server, page string, address socket.Address,
) {
	return SplitURL(d.ParseURL("http"), d.URL)
}

// Create begins to save a page of the given length, which is -1 if it is not
// known yet. If the page is too long, or the file cannot be created, the
// program ends as with Fail.
func (d *Download) Create(length int64) *Page {
	if length > d.Most {
		d.Fail(fmt.Errorf("the page has %d bytes, more than %d", length,
			d.Most))
	}
	page, err := createPage(d.File, length, d.Most)
	d.Check(err)
	d.page = page
	return page
}

// Check calls Fail if err is not nil.
func (d *Download) Check(err error) {
	if err != nil {
		d.Fail(err)
	}
}

// Fail gives up the download because of err. It discards the page, and ends the
// program with status 1 and one line.
func (d *Download) Fail(err error) {
	if d.page != nil {
		d.page.Discard()
	}
	var unsaved *pageError
	switch {
	case errors.As(err, &unsaved) && unsaved.file != "":
		what := "save " + pyfmt.Bare([]byte(unsaved.file))
		program.Fail(what, unsaved.err)
	case unsaved == nil && d.page != nil:
		err = cutShort(d.page.written, d.page.length, err)
	}
	program.Fail("no page from "+pyfmt.Str(d.URL), Reason(err))
}

// Reason returns err as a reason for a person to read: what program.Why gives,
// without the prefix that net/http adds. Because err may quote the server, the
// reason is one line of bounded length, with control characters escaped.
func Reason(err error) error {
	const (
		longest = 400
		broken  = "net/http: HTTP/1.x transport connection broken: "
	)
	var get *url.Error
	if errors.As(err, &get) {
		err = get.Err
	}
	why := strings.TrimPrefix(program.Why(err), broken)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		why = program.ErrTimedOut.Error()
	case errors.Is(err, io.ErrUnexpectedEOF):
		why = program.Why(io.EOF)
	}
	if len(why) > longest {
		why = why[:longest] + "..."
	}
	return errors.New(pyfmt.Bare([]byte(why)))
}

// A Page is a page on its way to a file. It is written to another file in the
// same folder, whose name begins with a dot, and takes the place of the old
// file when it is whole. Until then the old file stays as it is. If a signal
// ends the program first, the other file is removed, and the exit status is 128
// plus the number of the signal.
type Page struct {
	file    string
	written int64 // bytes
	length  int64 // of the whole page, or -1
	most    int64

	mu      sync.Mutex // held while the other file comes or goes
	another *os.File
	there   bool // the other file is there
	signals chan os.Signal
}

// A pageError is the error of a Page. It names the file, if that is at fault.
type pageError struct {
	file string
	err  error
}

func (e *pageError) Error() string { return e.err.Error() }

// createPage begins a page that Save will put at file. The page has length
// bytes, or at most most bytes if length is -1. A symbolic link at file will be
// replaced, not followed. createPage returns an error if folder.MayReplace
// does, for example because a device is there, or if it cannot create a file in
// the same folder.
func createPage(file string, length, most int64) (*Page, error) {
	p := &Page{file: file, length: length, most: most}
	there, err := os.Lstat(file)
	if err == nil && there.IsDir() {
		return nil, p.because(syscall.EISDIR)
	} else if err := folder.MayReplace(file); err != nil {
		return nil, p.because(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removeOnSignal()
	name := "." + program.Name() + "-" + rand.Text()
	p.another, err = os.OpenFile(filepath.Join(filepath.Dir(file), name),
		os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	p.there = err == nil
	return p, p.because(err)
}

// because returns err as an error about saving the page. Nil stays nil.
func (p *Page) because(err error) error {
	if err == nil {
		return nil
	}
	return &pageError{p.file, err}
}

// endings are the signals that end a program.
var endings = []os.Signal{os.Interrupt, syscall.SIGTERM}

// removeOnSignal makes the signals that end the program remove the other file
// first. A signal that the program was started to ignore stays ignored.
func (p *Page) removeOnSignal() {
	p.signals = make(chan os.Signal, 1)
	for _, s := range endings {
		if !signal.Ignored(s) {
			signal.Notify(p.signals, s)
		}
	}
	go func() {
		if s, ok := (<-p.signals).(syscall.Signal); ok {
			p.mu.Lock() // and never unlock, so Save comes too late
			p.remove()
			os.Exit(128 + int(s))
		}
	}()
}

func (p *Page) remove() {
	if p.there {
		p.another.Close() // Windows removes no open file
		os.Remove(p.another.Name())
		p.there = false
	}
}

// Write writes data to the other file, except what comes after the end of the
// page. It returns an error if the page is too long, or if the file cannot be
// written, for example because the disk is full.
func (p *Page) Write(data []byte) (int, error) {
	page := data
	if p.length >= 0 {
		page = data[:min(int64(len(data)), p.length-p.written)]
	}
	if p.written+int64(len(page)) > p.most {
		return 0, p.tooLong()
	}
	n, err := p.another.Write(page)
	p.written += int64(n)
	if err != nil {
		return n, p.because(err)
	}
	return len(data), nil
}

func (p *Page) tooLong() error {
	return &pageError{err: fmt.Errorf("the page has more than %d bytes",
		p.most)}
}

// Save puts the page where it belongs. If the page is not whole, or the file
// cannot be written, it returns an error, and the old file stays.
func (p *Page) Save() error {
	if p.written < p.length {
		return io.EOF
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.another.Sync() // which may be the first to report a full disk
	if errClose := p.another.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = os.Rename(p.another.Name(), p.file)
	}
	p.there = err != nil
	return p.because(err)
}

// Discard removes what was written of a page that is not saved.
func (p *Page) Discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove()
}
