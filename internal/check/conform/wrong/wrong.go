//go:build unix

// Package wrong has servers that are wrong on purpose. A suite of package conform
// must reject each of them. They send something to each client that connects, and
// close the connection: see conform.Unasked. Other suites have wrong servers of
// their own, which use a Listener to accept clients and to stop.
package wrong

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/py/pyfmt"
)

// A Defect is how a server is wrong.
type Defect struct {
	Says func(now time.Time) string // what it sends
	Does string                     // one of Deeds, or "" if it does everything right
}

// Deeds are the defects in what a server does, and for each the check that must
// find it.
var Deeds = map[string]string{
	"loses what it sends after a half-close": "half-close",
	"reads on for ever":                      "unasked/talks",
	"dies of a reset":                        "unasked/leaves at once",
	"serves one at a time":                   "unasked/stays",
	"spins":                                  "unasked/out of descriptors",
	"says it always":                         "unasked/out of descriptors",
	"says it once":                           "unasked/out of descriptors",
	"dies without descriptors":               "unasked/out of descriptors",
	"leaves it to the collector":             "unasked/descriptors are closed",
}

// isServer is the environment variable that makes a test binary a wrong server.
// Its value is the defect.
const isServer = "CONFORM_WRONG"

// Main must be called before any test runs, in every test that uses Server, with
// the same defects. In a wrong server it does not return.
func Main(defects map[string]Defect) {
	if name, is := os.LookupEnv(isServer); is {
		os.Exit(serve(defects[name], os.Args[1:]))
	}
}

// Server returns the row of the server with a defect. The row is that of like,
// except that the server prints no lines about its clients.
func Server(like conform.Server, defect string) conform.Server {
	like.Name, like.Lines, like.Quiet = "wrong", conform.Lines{}, false
	like.Command = func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), isServer+"="+defect)
		return cmd
	}
	return like
}

type server struct {
	Defect
	listener *Listener
	stopping context.Context
	clients  sync.WaitGroup
	turn     sync.Mutex // of the deed "serves one at a time"
	kept     []net.Conn // of the deed "leaves it to the collector"
}

// serve is the main function of a server that is called as HOST -p PORT. It
// returns the status.
func serve(defect Defect, args []string) int {
	listener, err := net.Listen("tcp", net.JoinHostPort(args[0], args[2]))
	if err != nil {
		fmt.Fprintln(os.Stderr, "wrong: listen:", err)
		return 1
	}
	s := &server{Defect: defect, listener: &Listener{Listener: listener, Defect: defect.Does}}
	s.stopping, _ = s.listener.StopOnSignal(0)
	fmt.Println("Listening at " + pyfmt.HostPort(args[0], listener.Addr().(*net.TCPAddr).Port))
	s.acceptForever()
	s.clients.Wait()
	return 0
}

func (s *server) acceptForever() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.clients.Go(func() { s.handle(conn.(*net.TCPConn)) })
	}
}

func (s *server) handle(conn *net.TCPConn) {
	if s.Does == "serves one at a time" {
		s.turn.Lock()
		defer s.turn.Unlock()
	}
	if s.Does == "loses what it sends after a half-close" && isHalfClosed(conn) {
		conn.Close()
		return
	}
	if s.Does == "dies of a reset" {
		<-time.After(20 * time.Millisecond) // for the reset to arrive
	}
	if _, err := io.WriteString(conn, s.Says(time.Now())); err != nil && s.Does == "dies of a reset" {
		os.Exit(3)
	}
	patience, most := 200*time.Millisecond, int64(1<<20)
	if s.Does == "reads on for ever" {
		patience, most = time.Hour, 1<<40
	} else if s.Does == "serves one at a time" {
		patience = time.Second
	}
	conn.CloseWrite()
	conn.SetReadDeadline(time.Now().Add(patience))
	defer context.AfterFunc(s.stopping, func() { conn.SetReadDeadline(time.Now()) })()
	io.Copy(io.Discard, io.LimitReader(conn, most))
	if s.Does == "leaves it to the collector" {
		s.turn.Lock()
		defer s.turn.Unlock()
		s.kept = append(s.kept, conn)
		return
	}
	conn.Close()
}

// isHalfClosed reports whether the client closes its side within 100 ms.
func isHalfClosed(conn net.Conn) bool {
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	_, err := conn.Read(make([]byte, 1))
	return err == io.EOF
}
