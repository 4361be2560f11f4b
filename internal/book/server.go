package book

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
)

// A Server serves a book to the readers of this machine.
type Server struct {
	Book *Book
	Port int // where the server listens, on 127.0.0.1

	// Live answers requests for LivePath, which the script makes when a reader
	// runs a block. Nil means that nothing can be run.
	Live http.Handler

	mu    sync.Mutex
	files map[string]*served // by address; each is rendered once
}

// LivePath is where the script asks for Live.
const LivePath = "/live"

// A served is a file as it is sent.
type served struct {
	kind       string // its media type
	data       []byte
	compressed []byte // by gzip; nil if that does not help
	tag        string // changes with data
}

// policy lets a page use this server's files, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// livePolicy also lets the terminals have style elements, which they write
// themselves.
var livePolicy = strings.Replace(policy, "style-src 'self'", "style-src 'self' 'unsafe-inline'", 1)

// ServeHTTP answers a request. It answers only requests for the host 127.0.0.1 or
// localhost at the server's port. If the name of another site leads here, Host has
// that name: such a site must not read the book, and must not run anything.
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

	port := strconv.Itoa(s.Port)
	switch {
	case r.Host != net.JoinHostPort("127.0.0.1", port) && r.Host != net.JoinHostPort("localhost", port):
		http.Error(w, "this book is at 127.0.0.1 and localhost only", http.StatusMisdirectedRequest)
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

// isForeign reports whether a browser says that another site asks, or a page at
// another port of this host, except if the reader has followed a link there.
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
	h.Set("ETag", f.tag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := f.data
	if f.compressed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		data = f.compressed
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method != http.MethodHead {
		w.Write(data)
	}
}

// file returns a file of the book. There are only as many as there are pages and
// pairs of listings, so the server can keep them all.
func (s *Server) file(address string) (*served, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, found := s.files[address]; found {
		return f, nil
	}
	data, err := s.Book.file(address, s.Live != nil)
	if err != nil {
		return nil, err
	}
	f := &served{kind: kinds[path.Ext(address)], data: data}
	sum := sha256.Sum256(data)
	f.tag = `"` + hex.EncodeToString(sum[:8]) + `"`
	if path.Ext(address) != ".woff2" { // which is compressed already
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(data)
		z.Close()
		f.compressed = b.Bytes()
	}
	if s.files == nil {
		s.files = map[string]*served{}
	}
	s.files[address] = f
	return f, nil
}
