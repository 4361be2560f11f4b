package lecture23

import (
	"bytes"
	"io"
	"net/url"
	"os"
	"strings"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/folder"
	"fopnp/internal/serve/framing"
)

// maxHeader is how many bytes the request line and the header of a request may
// have together, with the empty line at the end.
const maxHeader = 16 << 10

// A Request is what a client asks of a web server.
type Request struct {
	Method string // such as "GET"

	// Name is the path without the leading "/" and without a query, with
	// percent-encoding decoded. It may be harmful: "../etc/passwd" and, after
	// a second "/", "/etc/passwd" are possible. It never contains a zero
	// byte.
	Name string
}

// ReadRequest receives the request line and the header of a request, in
// HTTP/1.0 or HTTP/1.1. It ignores what the client sends after that.
//
// The error is a *Refusal if the server has to tell the client what is wrong
// with the request. Otherwise it says why no whole request came: io.EOF, if the
// client left without asking or the program stops, or an error that quotes what
// had arrived.
func ReadRequest(client *socket.Conversation) (Request, error) {
	var reader requestReader
	for {
		data, err := client.Recv()
		done, wrong := reader.feed(data)
		if done || wrong != nil {
			return reader.request, wrong
		}
		if err != nil {
			return reader.request, reader.ended(err)
		}
	}
}

// A requestReader finds the lines of a request in the bytes that have arrived.
type requestReader struct {
	request  Request
	received []byte // so far, unless all came in one piece
	taken    int    // how much of that is in lines that were taken
	needHost bool   // a header line "Host:" is still missing
}

// feed takes the bytes that have arrived next. It reports whether the header is
// complete. It copies data only if the header is not complete yet.
func (r *requestReader) feed(data []byte) (done bool, err error) {
	if len(r.received) > 0 {
		r.received = append(r.received, data...)
		data = r.received
	}
	for !done && err == nil {
		line, _, whole := bytes.Cut(data[r.taken:], []byte("\n"))
		end := r.taken + len(line) + len("\n")
		if end > maxHeader {
			return false, errTooLarge
		}
		if !whole {
			if len(r.received) == 0 {
				r.received = bytes.Clone(data)
			}
			return false, nil
		}
		isFirst := r.taken == 0
		r.taken = end
		done, err = r.take(bytes.TrimSuffix(line, []byte("\r")), isFirst)
	}
	return done, err
}

// take takes the next line, without its end.
func (r *requestReader) take(line []byte, isFirst bool) (done bool, err error) {
	switch {
	case isFirst:
		return false, r.parse(line)
	case len(line) > 0:
		name, _, found := bytes.Cut(line, []byte(":"))
		if found && bytes.EqualFold(name, []byte("Host")) {
			r.needHost = false
		}
		return false, nil
	case r.needHost:
		return false, badRequest("HTTP/1.1 without Host")
	}
	return true, nil
}

// parse parses the request line, such as "GET /page.html HTTP/1.0".
func (r *requestReader) parse(line []byte) error {
	if len(line) == 0 {
		return badRequest("an empty line in place of a request line")
	}
	method, rest, _ := strings.Cut(string(line), " ")
	target, version, _ := strings.Cut(rest, " ")
	if method == "" || target == "" {
		return badRequest("no request line in %s", pyfmt.Bytes(line))
	}
	r.request.Method = method
	if version != "HTTP/1.0" && version != "HTTP/1.1" {
		return badRequest("no HTTP/1.0 or HTTP/1.1 in %s", pyfmt.Bytes(line))
	}
	name, err := url.PathUnescape(pathOf(target))
	if err != nil {
		return badRequest("bad percent-encoding in %s", pyfmt.Bytes(line))
	}
	if strings.Contains(name, "\x00") {
		return badRequest("a zero byte in %s", pyfmt.Bytes(line))
	}
	r.request.Name = strings.TrimPrefix(name, "/")
	r.needHost = version == "HTTP/1.1"
	return nil
}

// pathOf returns the path in the target of a request, without a query. The
// target is a path or, in a request to a proxy, a URL.
func pathOf(target string) string {
	target, _, _ = strings.Cut(target, "?")
	if strings.HasPrefix(target, "/") {
		return target
	}
	_, rest, isURL := strings.Cut(target, "://")
	if !isURL {
		return target
	}
	_, path, _ := strings.Cut(rest, "/")
	return "/" + path
}

// ended returns the error of a request that ended in the middle because of why.
func (r *requestReader) ended(why error) error {
	err := framing.Ended(r.received, why)
	if why == io.EOF && len(r.received) > 0 {
		return &Refusal{Status: statusBad, Fault: err}
	}
	return err
}

// File returns the name of the file to send. For a folder, that is index.html
// in it.
func (r Request) File() string {
	if r.Name == "" || strings.HasSuffix(r.Name, "/") {
		return r.Name + "index.html"
	}
	return r.Name
}

// Open opens the file to send, below root, and returns its size in bytes. The
// error is a *Refusal.
func (r Request) Open(root *folder.Folder) (*os.File, int64, error) {
	if r.hidden() {
		return nil, 0, &Refusal{Status: statusNotFound}
	}
	file, size, err := root.OpenFile(r.File())
	if err != nil {
		return nil, 0, cannotOpen(err)
	}
	return file, size, nil
}

// hidden reports whether a part of the name begins with a dot, as in ".git" and
// "..". A backslash separates parts, too, because it does so on Windows.
func (r Request) hidden() bool {
	return strings.HasPrefix(r.Name, ".") ||
		strings.Contains(r.Name, "/.") || strings.Contains(r.Name, `\.`)
}
