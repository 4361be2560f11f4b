package services

import (
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/mccutchen/go-httpbin/v2/httpbin"
)

// A Site is a web server's name and certificate.
type Site struct {
	Name        string
	Certificate tls.Certificate
}

// Limits of a web client.
const (
	maxBody     = 1 << 20          // bytes of a request, and of most answers
	maxAnswer   = 10 * time.Second // that a client can make an answer take
	requestTime = 30 * time.Second // to send a request
	answerTime  = 60 * time.Second // from the request to the end of the answer
	idleTime    = 60 * time.Second // between requests
)

// ServeWeb serves a site over HTTP and HTTPS. Its first page tells clients from
// which address their request came, which is not their own behind a router that
// translates addresses. The other pages are those of httpbin: /get returns the
// request, /delay/3 takes three seconds, and so on. If the caller closes one
// listener, ServeWeb closes the other.
func ServeWeb(plain, secure net.Listener, site Site) error {
	pages := http.NewServeMux()
	pages.Handle("/", httpbin.New(httpbin.WithMaxBodySize(maxBody), httpbin.WithMaxDuration(maxAnswer)))
	pages.HandleFunc("GET /{$}", site.welcome)
	server := &http.Server{
		Handler:           pages,
		ReadHeaderTimeout: requestTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    64 << 10,
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{site.Certificate},
			// Without h2 here, a Serve that comes before ServeTLS leaves HTTP/2 out,
			// but ServeTLS still offers it.
			NextProtos: []string{"h2", "http/1.1"},
		},
		ErrorLog: log.New(io.Discard, "", 0), // faults of clients
	}
	p, q := openDoor(plain), openDoor(secure)
	defer p.wait()
	defer q.wait()
	return first(
		func() { plain.Close(); secure.Close() },
		func() error { return server.Serve(p) },
		func() error { return server.ServeTLS(q, "", "") },
	)
}

// welcome is the first page.
func (site Site) welcome(w http.ResponseWriter, r *http.Request) {
	scheme := "HTTP"
	if r.TLS != nil {
		scheme = "HTTPS"
	}
	here := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!DOCTYPE html>
<title>%[1]s</title>
<h1>%[1]s</h1>
<p>Your request came over %[2]s from %[3]s to %[4]s.</p>
<p>See <a href="/get">your request</a> or <a href="/forms/post">a form</a>.</p>
`, html.EscapeString(site.Name), scheme, r.RemoteAddr, here)
}
