package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A pipe is a listener at which one client connects, without a network.
type pipe chan net.Conn

func (p pipe) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}
func (p pipe) Close() error   { return nil }
func (p pipe) Addr() net.Addr { return &net.TCPAddr{} }

// A connection that keeps the book waiting is closed at the limit, and not before. The
// clock is synctest's.
func TestIdle(t *testing.T) {
	t.Parallel()
	const (
		request = "GET / HTTP/1.1\r\nHost: localhost\r\n"
		header  = 10 * time.Second
		idle    = 2 * time.Minute
	)
	for _, c := range []struct {
		what, first, more string // more comes in the last moment before the limit
		limit             time.Duration
	}{
		{"no request comes", "", "", header},
		{"half a header comes", request, "", header},
		{"the header gets longer", request, "A: b\r\n", header},
		{"no further request comes", request + "\r\n", "", idle},
		{"the next one comes in time", request + "\r\n", request + "\r\n", 2*idle - 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			listener := make(pipe, 1)
			server := newServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			go server.Serve(listener)
			defer server.Close()
			defer close(listener)
			ours, theirs := net.Pipe()
			defer ours.Close()
			listener <- theirs

			begin := time.Now()
			closed := make(chan time.Time)
			go func() {
				io.Copy(io.Discard, bufio.NewReader(ours))
				closed <- time.Now()
			}()
			io.WriteString(ours, c.first)
			if c.more != "" {
				time.AfterFunc(min(c.limit, idle)-1, func() { io.WriteString(ours, c.more) })
			}
			if got := (<-closed).Sub(begin); got != c.limit {
				t.Errorf("%s: the connection is closed after %v, want %v", c.what, got, c.limit)
			}
		})
	}
}
