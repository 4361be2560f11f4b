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

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// Forking servers start their program again, which here is the test binary. So
// the test binary has to act as a listing as well. It does if these variables
// name the listing's server class, its handler class and, for Unix sockets, the
// path.
const (
	classVariable   = "SOCKETSERVER_TEST_CLASS"
	handlerVariable = "SOCKETSERVER_TEST_HANDLER"
	pathVariable    = "SOCKETSERVER_TEST_PATH"
)

func TestMain(m *testing.M) {
	// Without this, every child under the race detector ends a second late.
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	switch class := os.Getenv(classVariable); class {
	case "":
		os.Exit(m.Run())
	case "none":
		os.Exit(72) // a child that no server started: see simpleSubprocess
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
	if handler == "stopped" {
		stopFirst(server)
	}
	server.ServeForever()
	fmt.Println("served")
}

// A server is any server type.
type server interface {
	Server
	ServeForever()
	HandleRequest() error
	Shutdown()
}

var localhost = socket.Address{Host: "127.0.0.1"}

// A class makes a server of one type.
type class func(path string, handler RequestHandlerClass) (server, error)

// classes are the server classes of the package, at a port of 127.0.0.1 or at a
// path.
var classes = map[string]class{
	"TCPServer":                   onPort[TCPServer](),
	"ThreadingTCPServer":          onPort[ThreadingTCPServer](),
	"ForkingTCPServer":            onPort[ForkingTCPServer](),
	"UnixStreamServer":            atPath[UnixStreamServer](),
	"ThreadingUnixStreamServer":   atPath[ThreadingUnixStreamServer](),
	"ForkingUnixStreamServer":     atPath[ForkingUnixStreamServer](),
	"UDPServer":                   onPort[UDPServer](),
	"ThreadingUDPServer":          onPort[ThreadingUDPServer](),
	"ForkingUDPServer":            onPort[ForkingUDPServer](),
	"UnixDatagramServer":          atPath[UnixDatagramServer](),
	"ThreadingUnixDatagramServer": atPath[ThreadingUnixDatagramServer](),
	"ForkingUnixDatagramServer":   atPath[ForkingUnixDatagramServer](),

	// Server classes that only the tests have.
	"errorServer":          onPort[errorServer](),
	"threadingErrorServer": onPort[threadingErrorServer](),
	"forkingErrorServer":   onPort[forkingErrorServer](),
	"countingServer":       onPort[countingServer](),

	// The second of two servers in one program.
	"second": func(path string, handler RequestHandlerClass) (server, error) {
		if _, err := New[ForkingUnixStreamServer, upper](path); err != nil {
			return nil, err
		}
		return onPort[ForkingTCPServer]()("", handler)
	},
}

func onPort[S any, P interface {
	server
	serverAt[S, socket.Address]
}]() class {
	return func(_ string, handler RequestHandlerClass) (server, error) {
		s := P(new(S))
		return s, s.Bind(s, localhost, handler)
	}
}

func atPath[S any, P interface {
	server
	serverAt[S, string]
}]() class {
	return func(path string, handler RequestHandlerClass) (server, error) {
		s := P(new(S))
		return s, s.Bind(s, path, handler)
	}
}

// handlers are the handler classes, by what they do.
var handlers = map[string]RequestHandlerClass{
	"line":     HandlerOf[line](),
	"datagram": HandlerOf[datagram](),
	"stopped":  HandlerOf[echo](),
	"echo":     HandlerOf[echo](),
	"upper":    HandlerOf[upper](),
	"late":     HandlerOf[late](),
	"stubborn": HandlerOf[stubborn](),
	"error": func() RequestHandler {
		return &bad{fail: func() error { return errors.New("test error") }}
	},
	"exit": func() RequestHandler {
		return &bad{fail: func() error { runtime.Goexit(); return nil }}
	},
}

// line and datagram send back a line, preceded by their process id.
type (
	line     struct{ StreamRequestHandler }
	datagram struct{ DatagramRequestHandler }
)

func (h *line) Handle() error     { return answer(h.RFile, h.WFile) }
func (h *datagram) Handle() error { return answer(h.RFile, h.WFile) }

func answer(r *bufio.Reader, w io.Writer) error {
	if text, err := r.ReadString('\n'); err == nil {
		fmt.Fprint(w, os.Getpid(), " ", text)
	}
	return nil
}

// An echo sends back what it receives, until the client leaves or tells it to
// fail ("raise") or to panic ("crash"). It answers "what" with its process id
// and what it sees. Its Setup and Finish send a bracket before and after.
type echo struct{ BaseRequestHandler }

func (h *echo) Setup() error  { return h.write("<") }
func (h *echo) Finish() error { return h.write(">") }

func (h *echo) write(text string) error {
	_, err := io.WriteString(h.Request, text)
	return err
}

func (h *echo) Handle() error {
	buffer := make([]byte, 100)
	for {
		n, err := h.Request.Read(buffer)
		if err != nil {
			return nil
		}
		switch text := string(buffer[:n]); text {
		case "raise":
			return errors.New("as told")
		case "crash":
			panic("as told")
		case "what":
			fmt.Fprintln(h.Request, os.Getpid(), h.sees())
		default:
			io.WriteString(h.Request, text)
		}
	}
}

// sees returns the client's and the server's address as the handler sees them,
// and whether its process still has the variable of the inherited request.
func (h *echo) sees() string {
	var address socket.Address
	switch server := h.Server.(type) {
	case *TCPServer:
		address = server.ServerAddress
	case *ForkingTCPServer:
		address = server.ServerAddress
	}
	_, inherits := os.LookupEnv("SOCKETSERVER_REQUEST")
	return fmt.Sprint(pyfmt.Addr(h.ClientAddress), " at ", address, inherits)
}

// upper answers any kind of request in capitals.
type upper struct{ BaseRequestHandler }

func (h *upper) Handle() error {
	buffer := make([]byte, 100)
	n, _ := h.Request.Read(buffer)
	// An error means that the client has gone.
	io.WriteString(h.Request, strings.ToUpper(string(buffer[:n])))
	return nil
}

// A late handler that has received a question answers it when the program has
// to stop.
type late struct{ BaseRequestHandler }

func (h *late) Setup() error {
	_, err := io.WriteString(h.Request, "hello")
	return err
}

func (h *late) Handle() error {
	if n, _ := h.Request.Read(make([]byte, 1)); n == 1 {
		io.WriteString(h.Request, "wait")
		<-program.Stopping().Done()
		io.WriteString(h.Request, "late")
	}
	return nil
}

// A stubborn handler reads again and again, each time with a deadline far away,
// and then writes until that fails.
type stubborn struct{ BaseRequestHandler }

func (h *stubborn) Handle() error {
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
	return nil
}

// start makes a server of a class that serves until the test ends, or until
// stop is called. Stop returns when the server is closed.
func start(t *testing.T, class, handler string) (s server, stop func()) {
	s = create(t, class, handler)
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.ServeForever()
	}()
	stop = sync.OnceFunc(func() {
		returns(t, "Shutdown", s.Shutdown)
		returns(t, "ServeForever", func() { <-served })
		returns(t, "ServerClose", s.ServerClose)
	})
	t.Cleanup(stop)
	return s, stop
}

// create makes a server of a class. It also sets the variables that tell
// children to make the same.
func create(t *testing.T, class, handler string) server {
	t.Helper()
	path := ""
	if strings.Contains(class, "Unix") {
		if runtime.GOOS == "windows" {
			t.Skip("this system has no Unix sockets")
		}
		path = filepath.Join(folder(t), "server")
	}
	if strings.Contains(strings.ToLower(class), "forking") && !canFork {
		t.Skip("this system cannot hand a socket to a child")
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

// folder makes a folder whose path is short enough for that of a Unix socket.
func folder(t *testing.T) string {
	folder, err := os.MkdirTemp("", "ss")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// address returns the address of a server's socket.
func address(s server) net.Addr {
	if socket, ok := s.base().socket.(net.PacketConn); ok {
		return socket.LocalAddr()
	}
	return s.base().socket.(acceptor).Addr()
}

// connect connects a client to a server until the test ends. At a Unix datagram
// server, the client has a path of its own, so it can be answered.
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
		t.Errorf("send %q: %v", text, err)
	}
}

// hear reads the next bytes, which must be want.
func hear(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Errorf("heard %q, %v, want %q", got, err, want)
	}
}

// leave half-closes a client's connection and reads the rest, which must be
// want.
func leave(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	conn.(interface{ CloseWrite() error }).CloseWrite()
	ended(t, conn, want)
}

// ended reads the rest, which must be want, and closes the connection.
func ended(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	if rest, err := io.ReadAll(conn); string(rest) != want || err != nil {
		t.Errorf("heard %q, %v, until the end, want %q", rest, err, want)
	}
	conn.Close()
}

// handledBy reads an answer of line or datagram, which must be a number and
// text. It returns the number, the id of the process that sent the answer.
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

// returns fails the test if call has not returned after Patience.
func returns(t *testing.T, name string, call func()) {
	t.Helper()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		call()
	}()
	select {
	case <-returned:
	case <-time.After(progtest.Patience):
		t.Errorf("%s has not returned", name)
	}
}

// until calls isTrue every millisecond until it returns true. It is for
// conditions that nothing announces.
func until(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	patience := time.After(progtest.Patience)
	for !isTrue() {
		select {
		case <-time.After(time.Millisecond):
		case <-patience:
			t.Fatal("gave up waiting until the server was", what)
		}
	}
}

// captured returns what this process and its children wrote to stderr while do
// ran. The server must start and stop in do.
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

// stopFirst sends the program a signal to stop, and returns when the server has
// been woken.
func stopFirst(s server) {
	process, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = process.Signal(os.Interrupt)
	}
	if err != nil {
		program.Fail("signal", err)
	}
	<-program.Stopping().Done()
	if udp, ok := s.(interface{ receivesNothing() }); ok {
		udp.receivesNothing()
	}
}

// receivesNothing waits at the socket until the code that stops the program
// wakes it.
func (s *UDPServer) receivesNothing() { s.conn.ReadFrom(nil) }
