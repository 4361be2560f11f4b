package lecture23

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"syscall"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
)

// MaxHeader is how many bytes the request line and the header of a request may
// have together.
const MaxHeader = 16 << 10

// A Request is what a client asks of a web server.
type Request struct {
	Method string // such as "GET"

	// Name is the path without the leading "/" and without a query, with
	// percent-encoding decoded. It is a relative name, but not a harmless
	// one: "../etc/passwd" and "/etc/passwd" are possible.
	Name string
}

// A Refusal is the error of a request that gets another answer than a file.
type Refusal struct {
	Status string // as in the status line, such as "404 Not Found"
	Allow  string // a line of the header, or ""
	Fault  error  // what is wrong with the request; nil if it may be asked
}

func (r *Refusal) Error() string { return r.Status }

// ErrMethod refuses any method but GET and HEAD.
var ErrMethod = &Refusal{Status: "405 Method Not Allowed", Allow: "Allow: GET, HEAD\r\n"}

// Refuse returns the refusal of a request whose file cannot be opened because
// of err.
func Refuse(err error) *Refusal {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &Refusal{Status: "403 Forbidden"}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return &Refusal{Status: "503 Service Unavailable", Fault: err}
	}
	return &Refusal{Status: "404 Not Found"}
}

// badRequest returns the refusal of a request with a fault.
func badRequest(format string, a ...any) *Refusal {
	return &Refusal{Status: "400 Bad Request", Fault: fmt.Errorf(format, a...)}
}

var errTooLarge = &Refusal{
	Status: "431 Request Header Fields Too Large",
	Fault:  fmt.Errorf("the header has more than %d bytes", MaxHeader),
}

// ReadRequest receives the request line and the header of a request, in
// HTTP/1.0 or HTTP/1.1. It ignores what the client sends after that.
//
// The error is a *Refusal if the client has to be told what is wrong with its
// request. Otherwise it says why no whole request came: io.EOF, if the client
// left without asking or the program stops, or an error that quotes the beginning
// of the request.
func ReadRequest(client *socket.Conversation) (Request, error) {
	var reader requestReader
	for {
		data, err := client.Recv()
		done, wrong := reader.feed(data)
		switch {
		case done || wrong != nil:
			return reader.request, wrong
		case err == io.EOF && reader.size > 0:
			return reader.request, badRequest("the header ends in the middle")
		case err != nil:
			return reader.request, framing.Ended(reader.beginning, err)
		}
	}
}

// A requestReader finds the lines of a request in the bytes that have arrived.
type requestReader struct {
	request Request
	line    []byte // the beginning of a line that is not whole yet
	size    int    // of all that has arrived

	beginning []byte // the first bytes of the request, to quote

	begun    bool // the request line was there
	needHost bool // a header line "Host" is still missing
}

// feed takes the bytes that have arrived next. It reports whether the header is
// complete.
func (r *requestReader) feed(data []byte) (done bool, err error) {
	n := min(len(data), 40-len(r.beginning))
	r.beginning = append(r.beginning, data[:n]...)
	for len(data) > 0 && !done && err == nil {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if r.size += len(data) - len(rest); r.size > MaxHeader {
			return false, errTooLarge
		}
		if !whole {
			r.line = append(r.line, line...)
			return false, nil
		}
		if len(r.line) > 0 {
			line = append(r.line, line...)
			r.line = r.line[:0]
		}
		done, err = r.take(bytes.TrimSuffix(line, []byte("\r")))
		data = rest
	}
	return done, err
}

// take takes the next line.
func (r *requestReader) take(line []byte) (done bool, err error) {
	switch {
	case !r.begun:
		r.begun = true
		return false, r.parse(line)
	case len(line) > 0:
		if name, _, _ := bytes.Cut(line, []byte(":")); r.needHost {
			r.needHost = !bytes.EqualFold(name, []byte("Host"))
		}
		return false, nil
	case r.needHost:
		return false, badRequest("HTTP/1.1 without Host")
	}
	return true, nil
}

// parse parses the request line, such as "GET /page.html HTTP/1.0".
func (r *requestReader) parse(line []byte) error {
	method, rest, _ := strings.Cut(string(line), " ")
	target, version, _ := strings.Cut(rest, " ")
	wrong := func(what string) error {
		return badRequest("%s in %s", what, pyfmt.Bytes(r.beginning))
	}
	if method == "" || target == "" {
		return wrong("no request line")
	}
	if version != "HTTP/1.0" && version != "HTTP/1.1" {
		return wrong("no HTTP/1.0 or HTTP/1.1")
	}
	r.needHost = version == "HTTP/1.1"
	r.request.Method = method
	path, _, _ := strings.Cut(target, "?")
	if _, after, absolute := strings.Cut(path, "://"); absolute && !strings.HasPrefix(path, "/") {
		_, path, _ = strings.Cut(after, "/") // as a proxy is asked
		path = "/" + path
	}
	name, err := url.PathUnescape(path)
	if err != nil {
		return wrong("bad percent-encoding")
	}
	if strings.ContainsRune(name, 0) {
		return wrong("a zero byte")
	}
	r.request.Name = strings.TrimPrefix(name, "/")
	return nil
}

// Hidden reports whether a part of the name begins with a dot, as in ".git" and
// "..". A backslash separates parts, too, because it does so on Windows.
func (r Request) Hidden() bool {
	return strings.HasPrefix(r.Name, ".") ||
		strings.Contains(r.Name, "/.") || strings.Contains(r.Name, `\.`)
}

// File is the name of the file to send. That of a folder is its index.html.
func (r Request) File() string {
	if r.Name == "" || strings.HasSuffix(r.Name, "/") {
		return r.Name + "index.html"
	}
	return r.Name
}
