package socketserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fopnp/internal/program"
	"fopnp/internal/progtest"
	"fopnp/internal/socket"
)

// The test binary is the program that forking servers start again, so it is a
// listing as well, with a main function, if these variables name its server
// class, its handler class and, for Unix sockets, the path.
const (
	classVariable   = "SOCKETSERVER_TEST_CLASS"
	handlerVariable = "SOCKETSERVER_TEST_HANDLER"
	pathVariable    = "SOCKETSERVER_TEST_PATH"
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or every child ends a second late
	switch class := os.Getenv(classVariable); class {
	case "":
		os.Exit(m.Run())
	case "none":
		os.Exit(72) // a child that is none of a server's
	default:
		listing(class, os.Getenv(handlerVariable))
	}
}

// listing is the main function of a listing.
func listing(class, handler string) {
	server, err := classes[class](os.Getenv(pathVariable), handlers[handler])
	if err != nil {
		program.Fail("listen", err)
	}
	fmt.Println("waiting for connection...")
	fmt.Println("Listening at", address(server))
	server.ServeForever()
}

// A server is any server type.
type server interface {
	Server
	ServeForever()
	HandleRequest() error
	Shutdown()
}

var localhost = socket.Address{Host: "127.0.0.1"}

// classes are the server classes of the module, each with a function that makes
// one, on a port of 127.0.0.1 or at a path.
var classes = map[string]func(path string, h RequestHandlerClass) (server, error){
	"TCPServer":                   func(_ string, h RequestHandlerClass) (server, error) { return NewTCPServer(localhost, h) },
	"ThreadingTCPServer":          func(_ string, h RequestHandlerClass) (server, error) { return NewThreadingTCPServer(localhost, h) },
	"ForkingTCPServer":            func(_ string, h RequestHandlerClass) (server, error) { return NewForkingTCPServer(localhost, h) },
	"UnixStreamServer":            func(p string, h RequestHandlerClass) (server, error) { return NewUnixStreamServer(p, h) },
	"ThreadingUnixStreamServer":   func(p string, h RequestHandlerClass) (server, error) { return NewThreadingUnixStreamServer(p, h) },
	"ForkingUnixStreamServer":     func(p string, h RequestHandlerClass) (server, error) { return NewForkingUnixStreamServer(p, h) },
	"UDPServer":                   func(_ string, h RequestHandlerClass) (server, error) { return NewUDPServer(localhost, h) },
	"ThreadingUDPServer":          func(_ string, h RequestHandlerClass) (server, error) { return NewThreadingUDPServer(localhost, h) },
	"ForkingUDPServer":            func(_ string, h RequestHandlerClass) (server, error) { return NewForkingUDPServer(localhost, h) },
	"UnixDatagramServer":          func(p string, h RequestHandlerClass) (server, error) { return NewUnixDatagramServer(p, h) },
	"ThreadingUnixDatagramServer": func(p string, h RequestHandlerClass) (server, error) { return NewThreadingUnixDatagramServer(p, h) },
	"ForkingUnixDatagramServer":   func(p string, h RequestHandlerClass) (server, error) { return NewForkingUnixDatagramServer(p, h) },

	// Types of the tests' own.
	"errorServer":          func(_ string, h RequestHandlerClass) (server, error) { return bound(&errorServer{}, h) },
	"threadingErrorServer": func(_ string, h RequestHandlerClass) (server, error) { return bound(&threadingErrorServer{}, h) },
	"forkingErrorServer":   func(_ string, h RequestHandlerClass) (server, error) { return bound(&forkingErrorServer{}, h) },
	"countingServer":       func(_ string, h RequestHandlerClass) (server, error) { return bound(&countingServer{}, h) },

	// The second of two that a program has.
	"second": func(_ string, h RequestHandlerClass) (server, error) {
		if _, err := NewForkingTCPServer(socket.Address{Host: "localhost"}, handlers["upper"]); err != nil {
			return nil, err
		}
		return NewForkingTCPServer(localhost, h)
	},
}

// bound binds a server of a type of the tests' own.
func bound[S interface {
	server
	Bind(Server, socket.Address, RequestHandlerClass) error
}](s S, h RequestHandlerClass) (S, error) {
	return s, s.Bind(s, localhost, h)
}

// handlers are the handler classes, by what they do.
var handlers = map[string]RequestHandlerClass{
	"line": func(base BaseRequestHandler) RequestHandler {
		return &line{StreamRequestHandler{BaseRequestHandler: base}}
	},
	"datagram": func(base BaseRequestHandler) RequestHandler {
		return &datagram{DatagramRequestHandler{BaseRequestHandler: base}}
	},
	"echo":     func(base BaseRequestHandler) RequestHandler { return &echo{base} },
	"upper":    func(base BaseRequestHandler) RequestHandler { return &upper{base} },
	"late":     func(base BaseRequestHandler) RequestHandler { return &late{base} },
	"stubborn": func(base BaseRequestHandler) RequestHandler { return &stubborn{base} },
	"error": func(base BaseRequestHandler) RequestHandler {
		return &bad{base, func() { panic(errors.New("test error")) }}
	},
	"exit": func(base BaseRequestHandler) RequestHandler { return &bad{base, runtime.Goexit} },
}

// line and datagram send back a line, with the number of the process before it.
type (
	line     struct{ StreamRequestHandler }
	datagram struct{ DatagramRequestHandler }
)

func (h *line) Handle()     { answer(h.RFile, h.WFile) }
func (h *datagram) Handle() { answer(h.RFile, h.WFile) }

func answer(r *bufio.Reader, w io.Writer) {
	if text, err := r.ReadString('\n'); err == nil {
		fmt.Fprint(w, os.Getpid(), " ", text)
	}
}

// An echo sends back what it receives, until it is told to stop or to panic. Its
// setup and finish frame the answers.
type echo struct{ BaseRequestHandler }

func (h *echo) Setup()  { io.WriteString(h.Request, "<") }
func (h *echo) Finish() { io.WriteString(h.Request, ">") }

func (h *echo) Handle() {
	buffer := make([]byte, 100)
	for {
		n, err := h.Request.Read(buffer)
		if err != nil {
			return
		}
		switch text := string(buffer[:n]); text {
		case "raise":
			panic(errors.New("as told"))
		case "crash":
			panic("as told")
		case "pid":
			fmt.Fprintln(h.Request, os.Getpid(), "pid")
		default:
			io.WriteString(h.Request, text)
		}
	}
}

// upper knows nothing of its kind of request.
type upper struct{ BaseRequestHandler }

func (h *upper) Handle() {
	buffer := make([]byte, 100)
	n, _ := h.Request.Read(buffer)
	io.WriteString(h.Request, strings.ToUpper(string(buffer[:n])))
}

// A late handler answers when the program stops, if it was asked.
type late struct{ BaseRequestHandler }

func (h *late) Setup() { io.WriteString(h.Request, "hello") }

func (h *late) Handle() {
	if n, _ := h.Request.Read(make([]byte, 1)); n == 1 {
		io.WriteString(h.Request, "wait")
		<-program.Stopping().Done()
		io.WriteString(h.Request, "late")
	}
}

// A stubborn handler tries again and again to read, each time with a deadline
// that is far away, and then sends until it cannot.
type stubborn struct{ BaseRequestHandler }

func (h *stubborn) Handle() {
	io.WriteString(h.Request, "hello")
	var err error
	for range 3 {
		h.Request.SetDeadline(time.Now().Add(time.Hour))
		_, err = h.Request.Read(make([]byte, 1))
	}
	fmt.Println("reading:", program.Why(err))
	for err = nil; err == nil; {
		h.Request.SetDeadline(time.Now().Add(time.Hour))
		_, err = h.Request.Write(make([]byte, 1<<20))
	}
	fmt.Println("writing:", program.Why(err))
}

// start makes a server of a class and serves until the test ends; or until stop
// is called, which returns when the server is closed.
func start(t *testing.T, class, handler string) (s server, stop func()) {
	s = create(t, class, handler)
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.ServeForever()
	}()
	stop = sync.OnceFunc(func() {
		s.Shutdown()
		<-served
		s.ServerClose()
	})
	t.Cleanup(stop)
	return s, stop
}

// create makes a server of a class. The children that it starts do the same.
func create(t *testing.T, class, handler string) server {
	t.Helper()
	path := ""
	if strings.Contains(class, "Unix") {
		if runtime.GOOS == "windows" {
			t.Skip("there are no Unix sockets")
		}
		path = filepath.Join(folder(t), "server")
	}
	if strings.Contains(strings.ToLower(class), "forking") && !canFork {
		t.Skip("a socket cannot be handed to a child")
	}
	t.Setenv(classVariable, class)
	t.Setenv(handlerVariable, handler)
	if path != "" {
		t.Setenv(pathVariable, path)
	}
	s, err := classes[class](path, handlers[handler])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// folder is one whose name is short enough for a Unix socket's.
func folder(t *testing.T) string {
	folder, err := os.MkdirTemp("", "ss")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// address is where a server really listens.
func address(s server) net.Addr {
	if socket, ok := s.base().socket.(net.PacketConn); ok {
		return socket.LocalAddr()
	}
	return s.base().socket.(acceptor).Addr()
}

// connect connects a client to a server until the test ends. A client of a
// datagram server can be answered.
func connect(t *testing.T, s server) net.Conn {
	t.Helper()
	to := address(s)
	dialer := net.Dialer{Timeout: progtest.Patience}
	if to.Network() == "unixgram" {
		dialer.LocalAddr = &net.UnixAddr{Name: filepath.Join(folder(t), "client"), Net: "unixgram"}
	}
	conn, err := dialer.Dial(to.Network(), to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	return conn
}

// say sends text.
func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Errorf("said %q: %v", text, err)
	}
}

// hear reads what must come next.
func hear(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Errorf("heard %q, %v, want %q", got, err, want)
	}
}

// leave has a client end the conversation, and reads the rest, which must be
// want.
func leave(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	conn.(interface{ CloseWrite() error }).CloseWrite()
	ended(t, conn, want)
}

// ended reads the rest, which must be want.
func ended(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	if rest, err := io.ReadAll(conn); string(rest) != want || err != nil {
		t.Errorf("heard %q, %v, in the end, want %q", rest, err, want)
	}
}

// handledBy reads an answer of line or datagram, which must be text, and returns
// the number of the process that has handled it. Nothing else may have come.
func handledBy(t *testing.T, conn net.Conn, text string) (process int) {
	t.Helper()
	answer, err := bufio.NewReader(conn).ReadString('\n')
	number, rest, _ := strings.Cut(answer, " ")
	process, notNumber := strconv.Atoi(number)
	if rest != text || err != nil || notNumber != nil {
		t.Errorf("heard %q, %v, want a number and %q", answer, err, text)
	}
	return process
}

// until waits until something is true that cannot be waited for.
func until(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	patience := time.After(progtest.Patience)
	for !isTrue() {
		select {
		case <-time.After(time.Millisecond):
		case <-patience:
			t.Fatal("it never was", what)
		}
	}
}

// captured returns what was written to stderr, by this process and its
// children, while do ran. The server starts and stops in do.
func captured(t *testing.T, do func()) string {
	t.Helper()
	file, err := os.CreateTemp(folder(t), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stderr := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = stderr }()
	do()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
