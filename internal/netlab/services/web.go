package services

import (
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/mccutchen/go-httpbin/v2/httpbin"
	"golang.org/x/net/netutil"
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
	var connections sync.WaitGroup
	server := &http.Server{
		Handler:           pages,
		ReadHeaderTimeout: requestTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    64 << 10,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{site.Certificate}},
		ErrorLog:          log.New(io.Discard, "", 0), // faults of clients
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateClosed, http.StateHijacked:
				connections.Done()
			}
		},
	}
	stop := func() { server.Close() }
	limited := func(l net.Listener) net.Listener {
		return whenClosed(netutil.LimitListener(l, maxClients), stop)
	}
	var errs [2]error
	var serving sync.WaitGroup
	serving.Go(func() {
		errs[0] = server.Serve(limited(plain))
		stop()
	})
	serving.Go(func() {
		errs[1] = server.ServeTLS(limited(secure), "", "")
		stop()
	})
	serving.Wait()
	// Serve may have accepted a client after Close had closed all others.
	stop()
	connections.Wait()
	return errors.Join(closed(errs[0]), closed(errs[1]))
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
