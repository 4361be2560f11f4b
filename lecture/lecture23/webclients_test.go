package lecture23_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fopnp/internal/check/progtest"
)

// A webClient is a program that the checks run.
type webClient struct {
	name     string // the first word of its complaints
	easy     bool   // it uses the HTTP library
	words    string // a regular expression of every reason, if it has its own words
	command  func(args ...string) *exec.Cmd
	patience time.Duration
}

func clientOf(name string) webClient {
	return webClient{name, name == "easywebclient", "", func(args ...string) *exec.Cmd {
		return exec.Command(filepath.Join(progtest.Bin(), name), args...)
	}, progtest.Patience}
}

var webClients = []webClient{clientOf("webclient"), clientOf("easywebclient")}

// A check is a server's answer, right or wrong, and what becomes of it.
type check struct {
	name string
	args []string
	path string // of the URL; "" is "/page"
	peer func(conn *peer)

	unasked bool // the server does not wait for the request

	// Page is what is saved, if the download succeeds. Otherwise one line says
	// why. The regular expressions match the whole reason: web is webclient's,
	// easy is easywebclient's, and both applies to both. URL in them stands for
	// the URL. A client for which none is set must succeed.
	page            string
	both, web, easy string

	// Requests are regular expressions of the first lines of all requests, with
	// the Host field, if they matter.
	requests []string

	setup  func(file string) error // before the client runs
	lookAt func(file string) error // after it
	notFor string                  // why the check is for webclient only
}

// A peer is the server's side of a connection.
type peer struct {
	*net.TCPConn
	port    string
	request string // with the empty line
	asked   int    // how many connections there were before
}

// accept accepts a connection and reads its request, unless the server speaks
// unasked.
func accept(listener net.Listener, unasked bool) (*peer, error) {
	conn, err := listener.Accept()
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	var request []byte
	for buffer := make([]byte, 1); !unasked && err == nil && !bytes.HasSuffix(request, []byte("\r\n\r\n")); {
		_, err = io.ReadFull(conn, buffer)
		request = append(request, buffer...)
	}
	return &peer{TCPConn: conn.(*net.TCPConn), request: string(request)}, err
}

// answer answers a client with text, and hangs up.
func answer(t *testing.T, listener net.Listener, text string) {
	t.Helper()
	conn, err := accept(listener, false)
	if err != nil {
		t.Fatal(err)
	}
	conn.says(text)
	conn.Close()
}

// says sends text. It ignores errors: the check sees whether the client has
// hung up.
func (p *peer) says(text string) { io.WriteString(p, text) }

// hangsOn waits until the client hangs up.
func (p *peer) hangsOn() { io.Copy(io.Discard, p) }

// sends returns a server that sends text and hangs up.
func sends(text string) func(*peer) { return func(p *peer) { p.says(text) } }

// holds returns a server that sends text and then nothing.
func holds(text string) func(*peer) {
	return func(p *peer) {
		p.says(text)
		p.hangsOn()
	}
}

// endless returns a server that sends begin, and then again and again more.
func endless(begin, more string) func(*peer) {
	return func(p *peer) {
		more := []byte(strings.Repeat(more, 1<<16/len(more)))
		_, err := io.WriteString(p, begin)
		for err == nil {
			_, err = p.Write(more)
		}
	}
}

// dribbles returns a server that sends text byte by byte.
func dribbles(text string) func(*peer) {
	return func(p *peer) {
		for _, b := range []byte(text) {
			if _, err := p.Write([]byte{b}); err != nil {
				return
			}
			if runtime.GOOS == "linux" {
				progtest.Taken(p.TCPConn) // its error is the client's
			}
		}
	}
}

// leads returns a server that redirects from /0 to /1 and so on, and has its page
// at /n.
func leads(n int) func(*peer) {
	return func(p *peer) {
		if p.asked == n {
			p.says(page("hello"))
			return
		}
		p.says(fmt.Sprintf("HTTP/1.0 302 Found\r\nLocation: /%d\r\n\r\n", p.asked+1))
	}
}

func page(text string) string {
	return fmt.Sprintf("HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
}

// headerOf returns a header of n bytes.
func headerOf(n int) string {
	begin, end := "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", "X-Fill: \r\n\r\n"
	const fill = "X-Fill: abcdefghijklmnopqrstuvwxyz\r\n"
	var header strings.Builder
	header.WriteString(begin)
	for header.Len()+len(fill)+len(end) <= n {
		header.WriteString(fill)
	}
	rest := n - header.Len() - len(end)
	header.WriteString("X-Fill: " + strings.Repeat("z", rest) + "\r\n\r\n")
	return header.String()
}

const (
	ok  = "HTTP/1.0 200 OK\r\n"
	old = "the old page\n"
)

var (
	everyByte = func() string {
		var all []byte
		for i := range 256 {
			all = append(all, byte(i))
		}
		return strings.Repeat(string(all), 1000)
	}()
	short   = []string{"-t", "1s"} // time enough for the server to say what it says
	aborted = "net/http: server response headers exceeded 65536 bytes; aborted"
)

var checks = []check{
	{name: "page", peer: sends(page("hello")), page: "hello"},
	{name: "no length", peer: sends(ok + "\r\nhello"), page: "hello"},
	{name: "empty", peer: sends(page("")), page: ""},
	{name: "empty, no length", peer: sends(ok + "\r\n"), page: ""},
	{name: "no reason", peer: sends("HTTP/1.0 200\r\n\r\nhello"), page: "hello"},
	{name: "every byte", peer: sends(page(everyByte)), page: everyByte},
	{name: "every byte, no length", peer: sends(ok + "\r\n" + everyByte), page: everyByte},
	{name: "coded bytes", peer: sends(ok + "Content-Encoding: gzip\r\n\r\n\x1f\x8b"), page: "\x1f\x8b"},
	{name: "a byte at a time", peer: dribbles(page("hello")), page: "hello"},
	{name: "open connection", peer: holds(page("hello")), page: "hello"},
	{name: "open connection, empty page", peer: holds(page("")), page: ""},

	{name: "unasked", peer: holds(page("hello")), page: "hello", unasked: true},
	{name: "unasked, no header", peer: holds("hello\r\n\r\n"), unasked: true, web: `no header: received b'hello'`, easy: "malformed HTTP .*"},

	{name: "small letters", peer: sends(ok + "content-length:5\r\n\r\nhello, world"), page: "hello"},
	{name: "capitals", peer: sends(ok + "CONTENT-LENGTH: \t5 \r\n\r\nhello, world"), page: "hello"},
	{name: "other names", peer: sends(ok + "X-Content-Length: 1\r\nContent-Length-X: 2\r\n\r\nhello"), page: "hello"},
	{name: "folded line", peer: sends(ok + "X-Fill: a\r\n Content-Length: 1\r\n\r\nhello"), page: "hello"},
	{name: "longest header", peer: sends(headerOf(64<<10) + "hello"), page: "hello"},
	{name: "header too long", peer: sends(headerOf(64<<10+1) + "hello"), web: "the header is longer than 65536 bytes", easy: aborted},
	{name: "header of 1 MiB", peer: sends(headerOf(1<<20) + "hello"), web: "the header is longer than 65536 bytes", easy: aborted},
	{name: "header without end", peer: endless(ok, "X-Fill: abc\r\n"), web: "the header is longer than 65536 bytes", easy: aborted},
	{name: "line without end", peer: endless(ok, "x"), web: "the header is longer than 65536 bytes", easy: aborted},
	{name: "bad line", peer: sends(ok + "hello\r\n\r\n"), web: `bad header line b'hello'`, easy: `malformed MIME header.*`},
	{name: "space after a name", peer: sends(ok + "Content-Length : 5\r\n\r\nhello"),
		web: `bad header line b'Content-Length : 5'`, page: "hello"},

	{name: "nothing", peer: sends(""), both: "socket closed"},
	{name: "half a header", peer: sends(ok + "Content-Le"),
		web: `no header: received b'HTTP/1\.0 200 OK\\r\\nContent-Le' then socket closed`, easy: `malformed MIME header: missing colon: "Content-Le"`},
	{name: "no header", peer: sends("I like to go to movie theater from time to time.\n\nNatalia\n"),
		web:  `no header: received b'I like to go to movie theater from time '\.\.\. then socket closed`,
		easy: `malformed HTTP status code "like"`},
	{name: "HTTP/0.9", peer: sends("<html>\r\n\r\nhello</html>"), web: `no header: received b'<html>'`, easy: `malformed HTTP .*"<html>"`},
	{name: "no header, no end", peer: endless("", "hello\n"), web: "the header is longer than 65536 bytes", easy: `malformed HTTP .*`},
	{name: "status of four digits", peer: sends("HTTP/1.0 2000 OK\r\n\r\nhello"), web: `no header: received b'HTTP/1\.0 2000 OK'`,
		easy: `malformed HTTP status code "2000"`},

	{name: "cut short", peer: sends(ok + "Content-Length: 10\r\n\r\nhello"), both: "received 5 of 10 bytes then socket closed"},
	{name: "cut before it begins", peer: sends(ok + "Content-Length: 10\r\n\r\n"), both: "received 0 of 10 bytes then socket closed"},
	{name: "reset", peer: resets(ok + "Content-Length: 10\r\n\r\nhello"), both: "received 5 of 10 bytes then connection reset by peer"},
	{name: "reset, no length", peer: resets(ok + "\r\nhello"), both: "received 5 bytes then connection reset by peer"},
	{name: "more than its length", peer: sends(ok + "Content-Length: 5\r\n\r\nhello, world"), page: "hello"},
	{name: "the same length twice", peer: sends(ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), page: "hello"},
	{name: "two lengths", peer: sends(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
		web: "two lengths: 5 and 6", easy: `.*multiple Content-Length headers.*`},
	badLength("-5"), badLength("5x"), badLength("+5"), badLength("0x5"), badLength("5.0"), badLength("1e1"), badLength("5, 5"),
	badLength(""), badLength("99999999999999999999x"), badLength("\x1b[2J"),
	{name: "overflow", peer: sends(ok + "Content-Length: 18446744073709551621\r\n\r\nhello"), // 5, in 64 bits
		web: "the page has 9223372036854775807 bytes, more than 100000000", easy: `bad Content-Length "18446744073709551621"`},
	{name: "huge", peer: sends(ok + "Content-Length: 9223372036854775807\r\n\r\nhello"), both: "the page has 9223372036854775807 bytes, more than 100000000"},

	{name: "the longest page", args: []string{"-m", "5"}, peer: sends(page("hello")), page: "hello"},
	{name: "the longest page, no length", args: []string{"-m", "5"}, peer: sends(ok + "\r\nhello"), page: "hello"},
	{name: "too long", args: []string{"-m", "4"}, peer: sends(page("hello")), both: "the page has 5 bytes, more than 4"},
	{name: "too long, no length", args: []string{"-m", "4"}, peer: sends(ok + "\r\nhello"), both: "the page has more than 4 bytes"},
	{name: "page without end", peer: endless(ok+"\r\n", "hello"), args: []string{"-m", "1000000"}, both: "the page has more than 1000000 bytes"},

	{name: "chunks", peer: sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), page: "hello",
		web: `Transfer-Encoding 'chunked' in an answer to HTTP/1\.0`},
	{name: "chunks and no coding", peer: sends("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\nhello"),
		web: `Transfer-Encoding 'chunked' in an answer to HTTP/1\.0`, page: "hello"},
	{name: "chunks cut short", peer: sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
		web: `Transfer-Encoding 'chunked' in an answer to HTTP/1\.0`, easy: "received 5 bytes then socket closed"},
	{name: "bad chunks", peer: sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nhello\r\n0\r\n\r\n"),
		web: `Transfer-Encoding 'chunked' in an answer to HTTP/1\.0`, easy: "received 0 bytes then .*chunk.*"},
	{name: "another coding", peer: sends(ok + "Transfer-Encoding: \x1bgzip\r\n\r\nhello"),
		web: `Transfer-Encoding '\\x1bgzip' in an answer to HTTP/1\.0`, easy: `malformed MIME header.*`},

	{name: "404", peer: sends("HTTP/1.0 404 Not Found\r\nContent-Length: 5\r\n\r\nhello"), both: "404 Not Found"},
	{name: "500", peer: sends("HTTP/1.0 500 Internal Server Error\r\n\r\n"), both: "500 Internal Server Error"},
	{name: "204", peer: sends("HTTP/1.0 204 No Content\r\n\r\n"), both: "204 No Content"},
	{name: "206", peer: sends("HTTP/1.0 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello"), both: "206 Partial Content"},
	{name: "304", peer: sends("HTTP/1.0 304 Not Modified\r\nLocation: /\r\n\r\n"), both: `304 Not Modified.*`},
	{name: "301 to nowhere", peer: sends("HTTP/1.0 301 Moved Permanently\r\n\r\n"), both: "301 Moved Permanently"},
	{name: "error in chunks", peer: sends("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), both: "404 Not Found"},
	{name: "escapes in the reason", peer: sends("HTTP/1.0 404 \x1b[2J\xff\r\n\r\n"), both: `404 \\x1b\[2J\\xff`},
	{name: "NUL in the reason", peer: sends("HTTP/1.0 404 Not\x00Found\r\n\r\n"), both: `404 Not\\x00Found`},

	{name: "redirect", path: "/0", peer: leads(1), page: "hello", web: `302 Found \(Location: '/1'\)`},
	{name: "10 redirects", path: "/0", peer: leads(10), page: "hello", web: `302 Found \(Location: '/1'\)`},
	{name: "11 redirects", path: "/0", peer: leads(11), web: `302 Found \(Location: '/1'\)`, easy: "more than 10 redirects"},
	{name: "redirect to itself", peer: sends("HTTP/1.0 301 Moved\r\nLocation: /page\r\n\r\n"),
		web: `301 Moved \(Location: '/page'\)`, easy: "more than 10 redirects"},
	{name: "redirect to a file", peer: sends("HTTP/1.0 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"),
		web: `302 Found \(Location: 'file:///etc/passwd'\)`, easy: "redirected to 'file:///etc/passwd'"},
	{name: "redirect to ftp", peer: sends("HTTP/1.0 302 Found\r\nLocation: ftp://127.0.0.1/\r\n\r\n"),
		web: `302 Found \(Location: 'ftp://127.0.0.1/'\)`, easy: "redirected to 'ftp://127.0.0.1/'"},
	{name: "escapes in the Location", peer: sends("HTTP/1.0 302 Found\r\nLocation: /\x1b[2J\xff\r\n\r\n"),
		web: `302 Found \(Location: '/\\x1b\[2J\\udcff'\)`, easy: `malformed MIME header.*`},
	{name: "NUL in the Location", peer: sends("HTTP/1.0 302 Found\r\nLocation: /\x00\r\n\r\n"),
		web: `302 Found \(Location: '/\\x00'\)`, easy: `.*(?:invalid control character in URL|malformed MIME header.*)`},

	{name: "silence", args: short, peer: holds(""), both: "timed out"},
	{name: "silence in the header", args: short, peer: holds(ok + "Content-Le"),
		web: `no header: received b'HTTP/1\.0 200 OK\\r\\nContent-Le' then timed out`, easy: "timed out"},
	{name: "reset in the header", peer: resets(ok + "Content-Le"),
		web: `no header: received b'HTTP/1\.0 200 OK\\r\\nContent-Le' then connection reset by peer`, easy: "connection reset by peer"},
	{name: "silence before the page", args: short, peer: holds(ok + "Content-Length: 5\r\n\r\n"), both: "received 0 of 5 bytes then timed out"},
	{name: "silence in the page", args: short, peer: holds(ok + "Content-Length: 10\r\n\r\nhello"), both: "received 5 of 10 bytes then timed out"},
	{name: "silence, no length", args: short, peer: holds(ok + "\r\nhello"), both: "received 5 bytes then timed out"},

	{name: "query and fragment", path: "/a%20b/?c=d&e#f/g?h", peer: sends(page("hello")), page: "hello",
		requests: []string{`GET /a%20b/\?c=d&e HTTP/1\.\d\r\nHost: 127\.0\.0\.1:PORT\r\n`}},
	{name: "spaces", path: "/a b?c d\u00e9", peer: sends(page("hello")), page: "hello",
		requests: []string{`GET /a%20b\?c%20d%C3%A9 HTTP/1\.\d\r\nHost: 127\.0\.0\.1:PORT\r\n`}},
	{name: "no path", path: "NONE", peer: sends(page("hello")), page: "hello", requests: []string{`GET / HTTP/1\.\d\r\nHost: 127\.0\.0\.1:PORT\r\n`}},
	{name: "no path, but a query", path: "?q", peer: sends(page("hello")), page: "hello",
		requests: []string{`GET /\?q HTTP/1\.\d\r\nHost: 127\.0\.0\.1:PORT\r\n`}},
	{name: "no path, but a fragment", path: "#f", peer: sends(page("hello")), page: "hello",
		requests: []string{`GET / HTTP/1\.\d\r\nHost: 127\.0\.0\.1:PORT\r\n`}},
	{name: "exact request", peer: sends(page("hello")), page: "hello", notFor: "the library adds fields",
		requests: []string{`GET /page HTTP/1\.0\r\nHost: 127\.0\.0\.1:PORT\r\n\r\n$`}},

	{name: "no old file", peer: sends(page("hello")), page: "hello", setup: os.Remove},
	{name: "no old file, no page", peer: sends(ok + "Content-Length: 10\r\n\r\nhello"), both: "received 5 of 10 bytes then socket closed",
		setup: os.Remove, lookAt: isGone},
	{name: "link", peer: sends(page("hello")), page: "hello", setup: linkTo("../other"), lookAt: isNoLink},
	{name: "link to nothing", peer: sends(page("hello")), page: "hello", setup: linkTo("../nothing"), lookAt: isNoLink},
	{name: "link, no page", peer: sends("HTTP/1.0 404 Not Found\r\n\r\n"), both: "404 Not Found", setup: linkTo("../other"), lookAt: isLink},
}

func badLength(value string) check {
	return check{
		name: "length " + fmt.Sprintf("%q", value),
		peer: sends(ok + "Content-Length: " + value + "\r\n\r\nhello"),
		web:  `Content-Length '` + regexp.QuoteMeta(strings.ReplaceAll(value, "\x1b", `\x1b`)) + `' is not a number`,
		easy: `.*(?:Content-Length|MIME header).*`,
	}
}

// resets returns a server that sends text and, when the client has read it,
// resets the connection.
func resets(text string) func(*peer) {
	return func(p *peer) {
		p.says(text)
		if runtime.GOOS == "linux" {
			progtest.Taken(p.TCPConn)
		}
		p.SetLinger(0)
	}
}

func linkTo(other string) func(file string) error {
	return func(file string) error {
		return errors.Join(os.Remove(file), os.Symlink(other, file))
	}
}

func isLink(file string) error {
	if there, err := os.Lstat(file); err != nil || there.Mode().Type() != os.ModeSymlink {
		return fmt.Errorf("%s is no link any more (%v)", file, err)
	}
	return nil
}

func isNoLink(file string) error {
	if there, err := os.Lstat(file); err != nil || !there.Mode().IsRegular() {
		return fmt.Errorf("%s is no plain file (%v)", file, err)
	}
	return nil
}

func isGone(file string) error {
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is there (%v)", file, err)
	}
	return nil
}

// run makes a check with a client. The error says how the client fails. If time
// is short, a machine that is busy may be to blame, so a client may try again.
func (c check) run(t testing.TB, client webClient) error {
	tries := 1
	if slices.Contains(c.args, "-t") {
		tries = 3
	}
	var err error
	for range tries {
		if err = c.try(t, client); err == nil {
			return nil
		}
	}
	return err
}

func (c check) try(t testing.TB, client webClient) error {
	folder := t.TempDir()
	file := filepath.Join(folder, "pages", "page.html")
	err := errors.Join(
		os.Mkdir(filepath.Dir(file), 0o777), os.WriteFile(file, []byte(old), 0o666),
		os.WriteFile(filepath.Join(folder, "other"), []byte("other"), 0o666))
	if c.setup != nil && err == nil {
		err = c.setup(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	listener, port := progtest.Listen(t)
	requests := make(chan []string)
	go func() { requests <- c.serve(listener, port) }()

	path := strings.TrimPrefix(cmp.Or(c.path, "/page"), "NONE")
	url := "http://127.0.0.1:" + port + path
	ctx, cancel := context.WithTimeout(context.Background(), client.patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := client.command(append([]string{url, "-o", file}, c.args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer context.AfterFunc(ctx, func() { cmd.Process.Kill() })()
	cmd.Wait() // the status is looked at below
	listener.Close()
	asked := <-requests
	if ctx.Err() != nil {
		return errors.New("it does not end")
	}

	reason := cmp.Or(c.both, c.web)
	if client.easy {
		reason = cmp.Or(c.both, c.easy)
	}
	if reason != "" {
		reason = cmp.Or(client.words, reason)
	}
	status, complaint, saved := 0, "", c.page
	if reason != "" {
		status, saved = 1, old
		complaint = client.name + ": no page from " + regexp.QuoteMeta("'"+url+"'") + ": " + reason + "\n"
	}
	var problems []error
	fail := func(format string, a ...any) { problems = append(problems, fmt.Errorf(format, a...)) }
	if got := cmd.ProcessState.ExitCode(); got != status {
		fail("its status is %d, want %d", got, status)
	}
	if !regexp.MustCompile("^"+complaint+"$").Match(stderr.Bytes()) || bytes.Count(stderr.Bytes(), []byte("\n")) > 1 {
		fail("stderr is %q, want %s", &stderr, complaint)
	}
	if strings.HasSuffix(stdout.String(), "\ndone\n") != (reason == "") && !client.easy ||
		client.easy && reason == "" && stdout.String() != "done\n" {
		fail("stdout is %q", &stdout)
	}
	if printed := append(stderr.Bytes(), stdout.Bytes()...); regexp.MustCompile(`[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]`).Match(printed) || !utf8.Valid(printed) {
		fail("it prints control characters")
	}
	if c.lookAt != nil {
		if err := c.lookAt(file); err != nil {
			problems = append(problems, err)
		}
	}
	got, err := os.ReadFile(file)
	if c.lookAt == nil && (err != nil || string(got) != saved) {
		fail("the file has %d bytes, %.40q, want %d, %.40q (%v)", len(got), got, len(saved), saved, err)
	}
	for _, folder := range []string{folder, filepath.Dir(file)} {
		entries, err := os.ReadDir(folder)
		for _, entry := range entries {
			if !slices.Contains([]string{"pages", "other", "page.html"}, entry.Name()) || err != nil {
				fail("%s is beside the file (%v)", entry.Name(), err)
			}
		}
	}
	if other, err := os.ReadFile(filepath.Join(folder, "other")); err != nil || string(other) != "other" {
		fail("the other file has %q (%v)", other, err)
	}
	for i, want := range c.requests {
		want = "^" + strings.ReplaceAll(want, "PORT", port)
		if i >= len(asked) || !regexp.MustCompile(want).MatchString(asked[i]) {
			fail("the requests are %q, want %q", asked, want)
		}
	}
	return errors.Join(problems...)
}

// serve plays the server until listener is closed, and returns the requests.
func (c check) serve(listener net.Listener, port string) (requests []string) {
	for {
		conn, err := accept(listener, c.unasked)
		if conn == nil {
			return requests
		}
		conn.port, conn.asked = port, len(requests)
		if err == nil { // otherwise the client did not ask
			c.peer(conn)
		}
		conn.Close()
		requests = append(requests, conn.request)
	}
}

// Both clients download what a server sends, or say in one line why they do not.
func TestWebClients(t *testing.T) {
	t.Parallel()
	for _, client := range webClients {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			for _, check := range checks {
				t.Run(check.name, func(t *testing.T) {
					t.Parallel()
					if client.easy && check.notFor != "" {
						t.Skip(check.notFor)
					}
					if err := check.run(t, client); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// Without a URL, the clients ask for one, and then print the lecture's lines.
// Webclient says 0 if the header gives no length, and saves all that comes.
func TestTypedURL(t *testing.T) {
	t.Parallel()
	const prompt = "This program allows you to download a specified by you web-page.\n" +
		"Please enter the web page you want to download,\n" +
		"       using the format http://domain.name/page/to/download:\n"
	for _, client := range webClients {
		for length, header := range map[int]string{0: "Content-Type: text/plain\r\n", 5: "Content-Length: 5\r\n"} {
			t.Run(fmt.Sprint(client.name, "/", length), func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "page.html")
				listener, port := progtest.Listen(t)
				running := progtest.Perform(t, "http://127.0.0.1:"+port+"/myData.txt\n", client.name, "-o", file)
				answer(t, listener, ok+header+"\r\nhello")
				session := prompt + "done\n"
				if !client.easy {
					session = fmt.Sprintf("%s\nThe processed information:\n"+
						"URL into list: ['http:', '', '127.0.0.1:%s', 'myData.txt']\n"+
						"server name: 127.0.0.1:%[2]s\n"+
						"page path: /myData.txt\n"+
						"connected successfully...\n"+
						"request sent successfully...\n"+
						"End of the header:  %d\n"+
						"Length of the content is  %d\n"+
						"done\n", prompt, port, len(ok+header)-len("\r\n"), length)
				}
				running.Prints(t, session, "")
				if page, err := os.ReadFile(file); err != nil || string(page) != "hello" {
					t.Errorf("the file has %q (%v)", page, err)
				}
			})
		}
	}
}
