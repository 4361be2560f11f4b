package live

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coder/websocket"

	"fopnp/internal/book/local"
	"fopnp/internal/check/programs"
	"fopnp/internal/check/transcript"
	"fopnp/internal/check/weave"
	"fopnp/internal/listings"
	"fopnp/internal/netns"
)

// A Config says what a Server runs.
type Config struct {
	Root string // the folder of go.mod, an absolute path

	// Page returns a page by its path relative to Root, or nil. Only its blocks can
	// be run.
	Page func(path string) *weave.Page

	// Bin is the folder of the built programs, an absolute path. If it is "", the
	// server builds them itself, in the cache that the tests use.
	Bin string

	Env    []string // more environment for programs
	Shared bool     // use the system's network, even if there are private ones
}

// A Server runs blocks of the book for the browsers of its user. It is an
// [http.Handler] that opens one WebSocket for each page.
//
// It answers only requests whose Host is 127.0.0.1 or localhost at the port where they
// arrive, and whose Origin is the same, so a page from elsewhere can neither get in by
// DNS rebinding nor open a WebSocket. It also requires a token, which only the reader
// knows. The browser sends the token as the name of a subprotocol, so it is in no
// cookie, no address and no log.
type Server struct {
	config Config
	token  string
	ctx    context.Context
	stop   context.CancelFunc
	mu     sync.Mutex
	serves sync.WaitGroup // browsers; none is added when ctx has ended
	places chan struct{}  // one for each session

	build  sync.Once
	built  chan struct{} // closed when the programs are, or cannot be
	bin    string
	remove func()
	err    error
}

// New returns a server. Call Close when you are done with it.
func New(config Config) *Server {
	s := &Server{config: config, token: rand.Text(), places: make(chan struct{}, maxSessions), built: make(chan struct{})}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// Token returns the secret that browsers must know. It has at least 128 bits.
func (s *Server) Token() string { return s.token }

// Close ends all sessions and waits until nothing of them is left.
func (s *Server) Close() {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.serves.Wait()
	s.build.Do(func() { close(s.built) }) // if Build was never called, no build will begin
	select {
	case <-s.built:
		if s.remove != nil {
			s.remove()
		}
	case <-time.After(time.Second): // another program builds; ours will not begin
	}
}

// Build begins to build the programs, so that the first block need not wait.
func (s *Server) Build() {
	s.build.Do(func() {
		go func() {
			defer close(s.built)
			if s.bin = s.config.Bin; s.bin != "" {
				return
			}
			cache, err := programs.UserCache()
			if err != nil {
				s.err = err
				return
			}
			packages := []string{"./internal/listings/show", "./playground"} // show is for test.sh
			for _, l := range listings.All {
				if l.IsProgram() {
					packages = append(packages, "./"+l.Folder())
				}
			}
			s.bin, s.remove, s.err = cache.Build(s.ctx, s.config.Root, packages)
		}()
	})
}

// transcripts waits until the programs are built and returns the configuration
// for running transcripts.
func (s *Server) transcripts(ctx context.Context) (transcript.Config, error) {
	s.Build()
	select {
	case <-s.built:
	case <-ctx.Done():
		return transcript.Config{}, ctx.Err()
	}
	return transcript.Config{Root: s.config.Root, Bin: s.bin, Env: s.config.Env}, s.err
}

// shared reports whether sessions use the system's network.
func (s *Server) shared() bool { return s.config.Shared || netns.Supported() != nil }

// networkNote tells the reader on which network a session is. Host is one of the
// playground, or "".
func (s *Server) networkNote(host string) string {
	switch {
	case host != "":
		return fmt.Sprintf("The terminals are on %s, in a playground of your own that ends when you close this page. The lanes cannot see its hosts.", host)
	case !s.shared():
		return "This page has a private network: all ports are free, and everything ends when you close the page."
	case runtime.GOOS != "linux":
		return "Programs use the ports of your machine. Only Linux has private networks and lanes."
	case s.config.Shared:
		return "Programs use the ports of your machine. The lanes show only this session, and not what clients and server say."
	}
	why, _ := refusal()
	return fmt.Sprintf("Programs use the ports of your machine, because %s. The lanes show only this session, and not what clients and server say.", why)
}

// refusal returns why the system grants no private networks, and what the reader can do
// about it, which may be "".
func refusal() (why, remedy string) {
	err := netns.Supported()
	if r, ok := errors.AsType[*netns.Refusal](err); ok {
		return r.Cause, r.Remedy
	}
	return fmt.Sprint(err), ""
}

// noPlayground returns the error of a block that needs the playground, or nil.
func noPlayground() error {
	if netns.Supported() == nil {
		return nil
	}
	why, remedy := refusal()
	if remedy != "" {
		why += "; to allow it: " + remedy
	}
	return fmt.Errorf("this block runs in the playground, which cannot run here: %s", why)
}

// protocol is the WebSocket's subprotocol. The browser offers it, and beside it
// tokenPrefix with the token.
const (
	protocol    = "fopnp.live"
	tokenPrefix = "token."
)

// ServeHTTP opens a WebSocket and runs what the browser asks for. It returns when the
// browser has left.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status, why := s.refuses(r); status != 0 {
		http.Error(w, why, status)
		return
	}
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		http.Error(w, fmt.Sprintf("%d pages run blocks already; close one", maxSessions), http.StatusServiceUnavailable)
		return
	}
	s.mu.Lock()
	closed := s.ctx.Err() != nil
	if !closed {
		s.serves.Add(1)
		defer s.serves.Done()
	}
	s.mu.Unlock()
	if closed {
		http.Error(w, "the book is being closed", http.StatusServiceUnavailable)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol}})
	if err != nil {
		return // it has told the browser
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxFrame)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	(&browser{server: s, conn: conn, ctx: ctx, cancel: cancel}).serve()
}

// refuses returns why a request is refused, with an HTTP status, or 0.
func (s *Server) refuses(r *http.Request) (status int, why string) {
	at, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if at == nil {
		return http.StatusInternalServerError, "this server does not know its address"
	}
	if status, why := local.Refuses(r, at.Port); status != 0 {
		return status, why
	}
	switch {
	case len(r.Header.Values("Origin")) != 1 || r.Header.Get("Origin") != "http://"+r.Host:
		return http.StatusForbidden, "only the book's own pages can run blocks"
	case !s.knowsToken(r):
		return http.StatusUnauthorized, "open the book at the address that its terminal shows"
	}
	return 0, ""
}

// knowsToken reports whether a request offers the token. It compares tokens in
// constant time.
func (s *Server) knowsToken(r *http.Request) (knows bool) {
	for _, header := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offered := range strings.SplitSeq(header, ",") {
			token, isToken := strings.CutPrefix(strings.TrimSpace(offered), tokenPrefix)
			if isToken && subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) == 1 {
				knows = true
			}
		}
	}
	return knows
}

// sentence returns an error as a sentence for the reader.
func sentence(err error) string {
	if errors.Is(err, errors.ErrUnsupported) {
		return "This system cannot run blocks: " + err.Error() + "."
	}
	first, size := utf8.DecodeRuneInString(err.Error())
	return string(unicode.ToUpper(first)) + err.Error()[size:] + "."
}
