package lecture23

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/lecture"
)

// NewClient returns an HTTP client for a single page. The timeout limits how
// long connecting takes, and then how long the server may be silent. 0 is no
// limit. The client follows ten redirects at most, to http and https only. It
// accepts a header of at most 64 KiB. It does not ask the server to compress
// the page, because we save the bytes as they arrive. NewClient also turns off
// package log, because net/http would log what the client's error says already.
// If the client cannot connect to a server, the program ends as lecture.Connect
// ends it.
func NewClient(timeout time.Duration) *Client {
	log.SetOutput(io.Discard)
	c := &Client{}
	c.Client = http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment,
			DialContext: func(
				_ context.Context, _, address string,
			) (net.Conn, error) {
				connection := connect(address, timeout)
				c.connection.Store(connection)
				return connection, nil
			},
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxAnswerHeader,
		},
		CheckRedirect: func(next *http.Request, before []*http.Request) error {
			if len(before) > 10 {
				return errors.New("more than 10 redirects")
			}
			if next.URL.Scheme != "http" && next.URL.Scheme != "https" {
				return fmt.Errorf("redirected to %s",
					pyfmt.Str(next.URL.String()))
			}
			return nil
		},
	}
	return c
}

// A Client is an HTTP client for a single page: see NewClient.
type Client struct {
	http.Client
	connection atomic.Pointer[patient] // the last one
}

// Get gets the page at url as http.Client's Get does. If the connection breaks
// in the header, net/http complains about the half line that it has. Get
// returns the error of the connection instead.
func (c *Client) Get(url string) (*http.Response, error) {
	response, err := c.Client.Get(url)
	if connection := c.connection.Load(); err != nil && connection != nil {
		if broken := connection.broken.Load(); broken != nil {
			return nil, *broken
		}
	}
	return response, err
}

// A patient is a connection whose peer may take its time as long as it is not
// silent. What the peer sends unasked waits until we have asked, because
// net/http would log it if it came first, and take it for the answer otherwise.
type patient struct {
	*socket.Conversation
	asked  func()                // may be called more than once
	ready  <-chan struct{}       // closed by asked
	broken atomic.Pointer[error] // why a read failed
}

// connect connects to address, which is HOST:PORT.
func connect(address string, timeout time.Duration) *patient {
	host, p, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(p) // net/http and ParseURL have checked both
	at := socket.Address{Host: host, Port: port}
	connection := lecture.Connect(at, timeout)
	ready := make(chan struct{})
	asked := sync.OnceFunc(func() { close(ready) })
	return &patient{Conversation: connection, asked: asked, ready: ready}
}

// Read starts the clock and reads what comes next. It notes why it fails,
// unless one of the two sides has closed the connection.
func (p *patient) Read(data []byte) (int, error) {
	<-p.ready
	p.StartClock()
	n, err := p.Conversation.Read(data)
	if err != nil && err != io.EOF && !errors.Is(err, net.ErrClosed) {
		p.broken.Store(&err)
	}
	return n, err
}

func (p *patient) Write(data []byte) (int, error) {
	defer p.asked()
	return p.Conversation.Write(data)
}

func (p *patient) Close() error {
	p.asked()
	return p.Conversation.Close()
}
