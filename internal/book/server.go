package book

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"fopnp/internal/book/local"
)

// A Server serves a book to the readers of this machine.
type Server struct {
	Book *Book
	Port int // where the server listens, on 127.0.0.1

	// Live answers requests for LivePath, which the script makes when a reader
	// runs a block. Nil means that nothing can be run.
	Live http.Handler

	mu    sync.Mutex
	files map[string]func() (*response, error) // by address; each is rendered once
}

// LivePath is where the script asks for Live.
const LivePath = "/live"

// A response is a file as it is sent.
type response struct {
	kind       string // its media type
	data       []byte
	compressed []byte // by gzip; nil if that does not help
	tag        string // its ETag, without quotation marks; changes with data
}

// policy lets a page use this server's files, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// livePolicy also lets the terminals have style elements, which they write
// themselves.
var livePolicy = strings.Replace(policy, "style-src 'self'", "style-src 'self' 'unsafe-inline'", 1)

// ServeHTTP answers only requests whose Host names this machine: see
// [local.Refuses].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	if s.Live != nil {
		h.Set("Content-Security-Policy", livePolicy)
	}
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")

	status, why := local.Refuses(r, s.Port)
	switch {
	case status != 0:
		http.Error(w, why, status)
	case isForeign(r.Header):
		http.Error(w, "this book is not for other sites", http.StatusForbidden)
	case r.URL.Path == LivePath && s.Live != nil:
		s.Live.ServeHTTP(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this book can only be read", http.StatusMethodNotAllowed)
	case r.URL.Path == "/"+pairsAddress && r.URL.RawQuery != "":
		s.choose(w, r)
	default:
		s.serve(w, r)
	}
}

// isForeign reports whether the browser says that the request comes from
// another site, or from a page at another port of this host. A link that the
// reader follows is not foreign.
func isForeign(h http.Header) bool {
	switch h.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return h.Get("Sec-Fetch-Mode") != "navigate" || h.Get("Sec-Fetch-Dest") != "document"
}

// choose leads to the page of the two listings that the reader has chosen.
func (s *Server) choose(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	var a, b *folder
	for _, f := range s.Book.programs("") {
		if f.title() == query.Get("a") {
			a = f
		}
		if f.title() == query.Get("b") {
			b = f
		}
	}
	switch {
	case a == nil || b == nil:
		http.NotFound(w, r)
	case a == b:
		http.Redirect(w, r, relative(pairsAddress, target{a.address(), ""}), http.StatusSeeOther)
	default:
		http.Redirect(w, r, relative(pairsAddress, target{pairAddress(a, b), ""}), http.StatusSeeOther)
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	address := strings.TrimPrefix(r.URL.Path, "/")
	if address == "" || strings.HasSuffix(address, "/") {
		address += "index.html"
	}
	f, err := s.file(address)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.NotFound(w, r)
		return
	case err != nil:
		log.Printf("%s: %v", (&url.URL{Path: address}).EscapedPath(), err)
		http.Error(w, "this page cannot be shown; the book's terminal says why", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", f.kind)
	data, tag := f.data, f.tag
	if f.compressed != nil && acceptsGzip(r.Header) {
		data, tag = f.compressed, f.tag+"-gzip"
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(data))) // ServeContent leaves it out
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// acceptsGzip reports whether a browser reads gzip.
func acceptsGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(h.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, isWeight := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			return !isWeight || strings.Trim(q, "0.") != ""
		}
	}
	return false
}

// file returns a file of the book. The server keeps them all, because the book
// has only so many pages and pairs of listings.
func (s *Server) file(address string) (*response, error) {
	s.mu.Lock()
	render := s.files[address]
	if render == nil {
		render = sync.OnceValues(func() (*response, error) { return s.render(address) })
		if s.files == nil {
			s.files = map[string]func() (*response, error){}
		}
		s.files[address] = render
	}
	s.mu.Unlock()
	f, err := render()
	if err != nil {
		s.mu.Lock()
		delete(s.files, address)
		s.mu.Unlock()
	}
	return f, err
}

// render returns a file as it is now.
func (s *Server) render(address string) (*response, error) {
	data, err := s.Book.file(address, s.Live != nil)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	f := &response{kind: kinds[path.Ext(address)], data: data, tag: hex.EncodeToString(sum[:8])}
	if path.Ext(address) != ".woff2" { // which is compressed already
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(data)
		z.Close()
		f.compressed = b.Bytes()
	}
	return f, nil
}
