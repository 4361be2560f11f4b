package lecture23

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/folder"
	"fopnp/internal/serve/program"
)

// An outcome is what a requestReader makes of a request.
type outcome struct {
	request Request
	status  string // of the refusal, or "" if the request is whole
	fault   string
}

// read feeds a reader with pieces, and then tells it why no more come.
func read(why error, pieces ...string) outcome {
	var r requestReader
	var err error
	done := false
	buffer := make([]byte, 0, 64<<10)
	for _, piece := range pieces {
		buffer = append(buffer[:0], piece...) // as a conversation does
		if done, err = r.feed(buffer); done || err != nil {
			break
		}
	}
	if !done && err == nil {
		err = r.ended(why)
	}
	o := outcome{request: r.request}
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		o.status, o.fault = refusal.Status, refusal.Fault.Error()
	case err != nil:
		o.status, o.fault = "none", err.Error()
	}
	return o
}

func TestRequest(t *testing.T) {
	long := strings.Repeat("x", 20_000)
	for _, test := range []struct {
		text string
		want outcome
	}{
		{"GET /page.txt HTTP/1.0\r\n\r\n", outcome{request: Request{"GET", "page.txt"}}},
		{"HEAD / HTTP/1.0\n\n", outcome{request: Request{"HEAD", ""}}},
		{"POST /a/b?c=/../ HTTP/1.1\nA: b\nhost: a\n\nrest", outcome{request: Request{"POST", "a/b"}}},
		{"GET http://a:80/b%20c?d HTTP/1.0\r\n\r\n", outcome{request: Request{"GET", "b c"}}},
		{"GET http://a HTTP/1.0\r\n\r\n", outcome{request: Request{"GET", ""}}},
		{"GET http://a?b/c HTTP/1.0\r\n\r\n", outcome{request: Request{"GET", ""}}},
		{"GET /x?://y/z HTTP/1.0\r\n\r\n", outcome{request: Request{"GET", "x"}}},
		{"GET /x://y/z HTTP/1.0\r\n\r\n", outcome{request: Request{"GET", "x://y/z"}}},
		{"OPTIONS * HTTP/1.0\r\n\r\n", outcome{request: Request{"OPTIONS", "*"}}},
		{"GET //a/../%2e%2e%2f\\.. HTTP/1.0\r\n\r\n", outcome{request: Request{"GET", `/a/../../\..`}}},
		{"GET /%3F%25%2b+ HTTP/1.0\r\n\r\n", outcome{request: Request{"GET", "?%++"}}},

		{"", outcome{status: "none", fault: "EOF"}},
		{"G", outcome{Request{}, statusBad, "received b'G' then socket closed"}},
		{"GET /a HTTP/1.0\r\nA", outcome{Request{"GET", "a"}, statusBad, `received b'GET /a HTTP/1.0\r\nA' then socket closed`}},
		{"\r\n\r\n", outcome{Request{}, statusBad, "an empty line in place of a request line"}},
		{"GET\r\n", outcome{Request{}, statusBad, "no request line in b'GET'"}},
		{"GET /a\n", outcome{Request{"GET", ""}, statusBad, "no HTTP/1.0 or HTTP/1.1 in b'GET /a'"}},
		{"GET /a HTTP/1.2\n", outcome{Request{"GET", ""}, statusBad, "no HTTP/1.0 or HTTP/1.1 in b'GET /a HTTP/1.2'"}},
		{"GET /%a HTTP/1.0\n", outcome{Request{"GET", ""}, statusBad, "bad percent-encoding in b'GET /%a HTTP/1.0'"}},
		{"HEAD /%00 HTTP/1.0\n", outcome{Request{"HEAD", ""}, statusBad, "a zero byte in b'HEAD /%00 HTTP/1.0'"}},
		{"GET /a HTTP/1.1\n\n", outcome{Request{"GET", "a"}, statusBad, "HTTP/1.1 without Host"}},
		{"GET /a HTTP/1.1\nHost\n\n", outcome{Request{"GET", "a"}, statusBad, "HTTP/1.1 without Host"}},
		{long, outcome{Request{}, errTooLarge.Status, errTooLarge.Fault.Error()}},
		{"GET /a HTTP/1.0\n" + long, outcome{Request{"GET", "a"}, errTooLarge.Status, errTooLarge.Fault.Error()}},
	} {
		if got := read(io.EOF, test.text); got != test.want {
			t.Errorf("%.100q is %+v, want %+v", test.text, got, test.want)
		}
		if got := read(io.EOF, strings.Split(test.text, "")...); got != test.want {
			t.Errorf("%.100q, a byte at a time, is %+v, want %+v", test.text, got, test.want)
		}
	}
}

// The end of a request that is not whole is no fault of the client if the
// program has to stop before the client has begun.
func TestEnded(t *testing.T) {
	for _, test := range []struct {
		why   error
		piece string
		want  outcome
	}{
		{program.ErrStopped, "", outcome{status: "none", fault: "EOF"}},
		{program.ErrStopped, "G", outcome{status: "none", fault: "received b'G' then server stopped"}},
		{os.ErrDeadlineExceeded, "", outcome{status: "none", fault: "timed out"}},
		{os.ErrDeadlineExceeded, "G", outcome{status: "none", fault: "received b'G' then timed out"}},
		{syscall.ECONNRESET, "G", outcome{status: "none", fault: "received b'G' then connection reset by peer"}},
	} {
		if got := read(test.why, test.piece); got != test.want {
			t.Errorf("%q and then %v is %+v, want %+v", test.piece, test.why, got, test.want)
		}
	}
}

// The header may have maxHeader bytes, and no more, however it arrives.
func TestMaxHeader(t *testing.T) {
	const begin, end = "GET / HTTP/1.0\r\nX: ", "\r\n\r\n"
	for n, want := range map[int]string{maxHeader: "", maxHeader + 1: errTooLarge.Status, 1 << 20: errTooLarge.Status} {
		text := begin + strings.Repeat("x", n-len(begin)-len(end)) + end
		for _, piece := range []int{1, 400, maxHeader - 1, maxHeader, n} {
			var pieces []string
			for rest := text; rest != ""; {
				m := min(piece, len(rest))
				pieces = append(pieces, rest[:m])
				rest = rest[m:]
			}
			if got := read(io.EOF, pieces...); got.status != want {
				t.Errorf("%d bytes, %d at a time: %+v, want %q", n, piece, got, want)
			}
		}
	}
}

// A header that comes in one piece is not copied.
func TestKeepsNothing(t *testing.T) {
	var r requestReader
	if done, err := r.feed([]byte("GET / HTTP/1.0\r\nA: b\r\n\r\n")); !done || err != nil || r.received != nil {
		t.Errorf("done is %v, the error %v, and it keeps %q", done, err, r.received)
	}
}

func TestFile(t *testing.T) {
	for name, want := range map[string]string{
		"": "index.html", "sub/": "sub/index.html", "sub": "sub", "/": "/index.html", "a/b.txt": "a/b.txt",
	} {
		if got := (Request{Name: name}).File(); got != want {
			t.Errorf("the file of %q is %q, want %q", name, got, want)
		}
	}
}

func TestOpen(t *testing.T) {
	top := t.TempDir()
	root, err := folder.Open(top)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.txt", ".hidden"} {
		if err := os.WriteFile(filepath.Join(top, name), []byte("text"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(filepath.Join(top, `a\.hidden`), nil, 0o666) // on Unix, this is a name
	file, size, err := (Request{Name: "a.txt"}).Open(root)
	if err != nil || size != 4 {
		t.Errorf("a.txt has %d bytes: %v", size, err)
	} else {
		file.Close()
	}
	for _, name := range []string{"", "b.txt", ".", "..", ".hidden", `a\.hidden`, "./a.txt", "a.txt/"} {
		var refusal *Refusal
		if _, _, err := (Request{Name: name}).Open(root); !errors.As(err, &refusal) || refusal.Status != statusNotFound || refusal.Fault != nil {
			t.Errorf("%q: %v, want %s", name, err, statusNotFound)
		}
	}
}

func TestCannotOpen(t *testing.T) {
	for _, test := range []struct {
		err   error
		want  string
		fault bool
	}{
		{fs.ErrNotExist, "404 Not Found", false},
		{folder.ErrNotPlain, "404 Not Found", false},
		{&fs.PathError{Op: "openat", Path: "a", Err: syscall.EACCES}, "403 Forbidden", false},
		{&fs.PathError{Op: "openat", Path: "a", Err: syscall.EMFILE}, "503 Service Unavailable", true},
		{&fs.PathError{Op: "openat", Path: "a", Err: syscall.ENFILE}, "503 Service Unavailable", true},
	} {
		if got := cannotOpen(test.err); got.Status != test.want || got.Fault != nil != test.fault {
			t.Errorf("%v: %+v, want %s", test.err, got, test.want)
		}
	}
}

func TestContentType(t *testing.T) {
	for name, want := range map[string]string{
		"a.html": "text/html; charset=utf-8", "a/b.Css": "text/css; charset=utf-8", "A.JPG": "image/jpeg", "a.b.json": "application/json",
		"a": "application/octet-stream", "html": "application/octet-stream", "a.html/b": "application/octet-stream", "a.exe": "application/octet-stream",
	} {
		if got := ContentType(name); got != want {
			t.Errorf("the type of %s is %s, want %s", name, got, want)
		}
	}
}

// Whatever comes, and in whatever pieces, the outcome is the same. A name never
// has a zero byte, and a request that is not refused has a method.
func FuzzRequest(f *testing.F) {
	for _, text := range []string{
		"", "GET / HTTP/1.0\r\n\r\n", "GET /a%20b?c HTTP/1.1\r\nHost: a\r\n\r\nGET", "HEAD http://a/b HTTP/1.0\n\n", "GET /%00 HTTP/1.0\r\n",
		"GET /\r\n", "\r\n", "GET /\x00 HTTP/1.0\n\n", "POST * HTTP/1.1\r\nHost:\r\nA", "GET /" + strings.Repeat("x", maxHeader) + "\n",
	} {
		f.Add(text, uint16(1), uint16(7))
	}
	f.Fuzz(func(t *testing.T, text string, i, j uint16) {
		want := read(io.EOF, text)
		if strings.Contains(want.request.Name, "\x00") {
			t.Errorf("the name has a zero byte: %q", want.request.Name)
		}
		if want.status == "" && (want.request.Method == "" || !strings.Contains(text, "\n")) {
			t.Errorf("%q is the request %+v", text, want.request)
		}
		if shown := pyfmt.Bare([]byte(want.request.Name)); strings.ContainsAny(shown, "\r\n\x1b") {
			t.Errorf("the name is shown as %q", shown)
		}
		a := min(int(i), len(text))
		b := a + min(int(j), len(text)-a)
		for _, pieces := range [][]string{{text[:a], text[a:]}, {text[:a], text[a:b], text[b:]}, {text[:a], "", text[a:]}} {
			if got := read(io.EOF, pieces...); got != want {
				t.Errorf("%q is %+v, want %+v", pieces, got, want)
			}
		}
		if len(text) < 1000 {
			if got := read(io.EOF, strings.Split(text, "")...); got != want {
				t.Errorf("%q, a character at a time, is %+v, want %+v", text, got, want)
			}
		}
	})
}
