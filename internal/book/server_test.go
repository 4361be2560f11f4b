package book

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

const testPort = 8107

// ask passes a request to s as if s listened at port 8107.
func ask(s *Server, method, host, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "http://"+host+target, nil)
	r.Host = host
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

// Only the readers of this machine get an answer, and only files of the book. Package
// local has a table of what Host may be.
func TestAttacks(t *testing.T) {
	t.Parallel()
	live := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	s := &Server{Book: loaded(t), Port: testPort, Live: live}
	const own = "127.0.0.1:8107"
	for _, c := range []struct {
		what, method, host, target string
		header                     []string
		status                     int
	}{
		{"the reader", "GET", own, "/", nil, 200},
		{"the reader, by the other name", "GET", "localhost:8107", "/chapter07/index.html", nil, 200},
		{"a folder", "GET", own, "/chapter07/", nil, 200},
		{"the terminals", "GET", own, LivePath, nil, 418},
		{"a link from another site", "GET", own, "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},

		{"DNS rebinding", "GET", "evil.example:8107", "/", nil, 421},
		{"DNS rebinding of the terminals", "GET", "evil.example:8107", LivePath, nil, 421},

		{"a script of another site", "GET", own, "/assets/book.js", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"fetch of another site", "GET", own, "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, 403},
		{"a script at another port", "GET", own, "/assets/book.js", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		{"a frame of another site", "GET", own, "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{"a frame at another port", "GET", own, "/", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
		{"an object of another site", "GET", own, "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, 403},
		{"POST", "POST", own, "/", nil, 405},
		{"PUT", "PUT", own, "/index.html", nil, 405},

		{"a path above the book", "GET", own, "/../go.mod", nil, 404},
		{"the same, escaped", "GET", own, "/..%2fgo.mod", nil, 404},
		{"a path above the assets", "GET", own, "/assets/../server.go", nil, 404},
		{"the same, escaped", "GET", own, "/assets/%2e%2e/server.go", nil, 404},
		{"backslashes", "GET", own, `/assets/..\server.go`, nil, 404},
		{"a file of the repository", "GET", own, "/go.mod", nil, 404},
		{"a hidden file", "GET", own, "/.git/config", nil, 404},
		{"a source", "GET", own, "/chapter07/srv_single/main.go", nil, 404},
		{"an absolute path", "GET", own, "//etc/passwd", nil, 404},
		{"a NUL", "GET", own, "/index.html%00", nil, 404},
		{"the list of a folder", "GET", own, "/assets/", nil, 404},
		{"a pair", "GET", own, "/compare/index.html?a=srv_single&b=srv_threaded", nil, 303},
		{"a pair with a path", "GET", own, "/compare/index.html?a=../go.mod&b=srv_threaded", nil, 404},
	} {
		r := ask(s, c.method, c.host, c.target, c.header...)
		if r.StatusCode != c.status {
			t.Errorf("%s: %s %s at %s: %s, want %d", c.what, c.method, c.target, c.host, r.Status, c.status)
		}
		if r.Header.Get("Set-Cookie") != "" || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: the answer has the header %v", c.what, r.Header)
		}
	}
}

// Every answer forbids what a page of the book does not need.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := &Server{Book: loaded(t), Port: testPort}
	for target, kind := range map[string]string{
		"/":                        "text/html; charset=utf-8",
		"/assets/book.css":         "text/css; charset=utf-8",
		"/assets/book.js":          "text/javascript; charset=utf-8",
		"/assets/search-index.js":  "text/javascript; charset=utf-8",
		"/assets/icon.svg":         "image/svg+xml",
		"/assets/fonts/mono.woff2": "font/woff2",
		"/nothing":                 "text/plain; charset=utf-8",
	} {
		r := ask(s, "GET", "127.0.0.1:8107", target)
		for name, want := range map[string]string{
			"Content-Type":                 kind,
			"Content-Security-Policy":      policy,
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
	for _, directive := range strings.Split(policy, "; ") {
		name, value, _ := strings.Cut(directive, " ")
		if value != "'self'" && value != "'none'" {
			t.Errorf("the policy has %s", directive)
		}
		switch name {
		case "default-src", "base-uri", "frame-ancestors":
			if value != "'none'" {
				t.Errorf("the policy has %s", directive)
			}
		}
	}
	for _, name := range []string{"default-src", "base-uri", "frame-ancestors", "form-action"} { // the last three have no default
		if !strings.Contains(policy, name+" ") {
			t.Errorf("the policy has no %s", name)
		}
	}
	// With terminals, the policy also allows their style elements, and nothing
	// else.
	s.Live = http.NotFoundHandler()
	got := ask(s, "GET", "127.0.0.1:8107", "/").Header.Get("Content-Security-Policy")
	if strings.Replace(got, " 'unsafe-inline'", "", 1) != policy || !strings.Contains(got, "style-src 'self' 'unsafe-inline'; ") {
		t.Errorf("with terminals, the policy is %q", got)
	}
	s.Live = nil
	if r := ask(s, "GET", "127.0.0.1:8107", LivePath); r.StatusCode != 404 {
		t.Errorf("without terminals, %s is %s", LivePath, r.Status)
	}
}

// The server does not send a page again that the browser already has.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	s := &Server{Book: loaded(t), Port: testPort}
	first := ask(s, "GET", "127.0.0.1:8107", "/")
	again := ask(s, "GET", "127.0.0.1:8107", "/", "If-None-Match", first.Header.Get("ETag"))
	body, err := io.ReadAll(again.Body)
	if again.StatusCode != http.StatusNotModified || len(body) > 0 || err != nil {
		t.Errorf("%s, %d bytes, %v", again.Status, len(body), err)
	}
	head := ask(s, "HEAD", "127.0.0.1:8107", "/")
	if body, _ := io.ReadAll(head.Body); len(body) > 0 || head.Header.Get("Content-Length") == "" {
		t.Errorf("HEAD: %d bytes, %v", len(body), head.Header)
	}
}

// The server compresses only for a browser that accepts gzip. The compressed and the
// plain form of a file have different ETags.
func TestCompression(t *testing.T) {
	t.Parallel()
	s := &Server{Book: loaded(t), Port: testPort}
	tags := map[string]string{}
	for accepts, want := range map[string]string{
		"gzip": "gzip", "deflate, gzip;q=0.5": "gzip", "br, GZIP": "gzip", "*": "",
		"": "", "gzip;q=0": "", "gzip; q=0.000, deflate": "", "x-gzip-like": "",
	} {
		r := ask(s, "HEAD", "127.0.0.1:8107", "/", "Accept-Encoding", accepts)
		got := r.Header.Get("Content-Encoding")
		if got != want || r.Header.Get("Content-Length") == "" {
			t.Errorf("Accept-Encoding: %s: the answer has %v", accepts, r.Header)
		}
		tags[got] = r.Header.Get("ETag")
	}
	if tags[""] == tags["gzip"] {
		t.Errorf("both forms have the tag %s", tags[""])
	}
	weak := ask(s, "GET", "127.0.0.1:8107", "/", "If-None-Match", `"another", W/`+tags[""])
	if weak.StatusCode != http.StatusNotModified {
		t.Errorf("a browser that has the page gets %s", weak.Status)
	}
}

// Many readers ask at once. The server renders each page without waiting for
// the others.
func TestReadersAtOnce(t *testing.T) {
	t.Parallel()
	s := &Server{Book: loaded(t), Port: testPort, Live: http.NotFoundHandler()}
	var readers sync.WaitGroup
	for _, target := range []string{"/", "/", "/chapter07/", "/chapter07/", "/chapter03/", "/whole.html",
		"/compare/", "/chapter07/srv_single/", "/chapter07/srv_async/", "/assets/search-index.js", "/nothing"} {
		readers.Go(func() { ask(s, "GET", "127.0.0.1:8107", target) })
	}
	readers.Wait()
	if r := ask(s, "GET", "127.0.0.1:8107", "/chapter07/"); r.StatusCode != 200 {
		t.Errorf("chapter 7: %s", r.Status)
	}
}

// The server keeps nothing for a page that does not exist.
func TestUnknownPages(t *testing.T) {
	t.Parallel()
	s := &Server{Book: loaded(t), Port: testPort}
	ask(s, "GET", "127.0.0.1:8107", "/nothing")
	if len(s.files) > 0 {
		t.Errorf("the server keeps %d files", len(s.files))
	}
}

// The first load of chapter 7, with all that its page loads at once, has at most 250
// KB.
func TestSizeOfChapter7(t *testing.T) {
	t.Parallel()
	s := &Server{Book: loaded(t), Port: testPort}
	total := 0
	load := func(target string) []byte {
		r := ask(s, "GET", "127.0.0.1:8107", target, "Accept-Encoding", "gzip")
		if r.StatusCode != 200 {
			t.Fatalf("%s: %s", target, r.Status)
		}
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		total += len(data)
		t.Logf("%7d %s", len(data), target)
		if r.Header.Get("Content-Encoding") != "gzip" {
			return data
		}
		z, err := gzip.NewReader(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if data, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, e := range elements(t, load("/chapter07/index.html")) {
		name := e.attributes["src"]
		if e.name == "link" && e.attributes["rel"] != "preload" {
			name = e.attributes["href"]
		}
		if name != "" {
			load("/" + strings.TrimPrefix(name, "../"))
		}
	}
	for _, font := range []string{"serif", "serif-italic", "mono"} {
		load("/assets/fonts/" + font + ".woff2")
	}
	const most = 250_000
	if total > most {
		t.Errorf("%d bytes, want at most %d", total, most)
	}
}
