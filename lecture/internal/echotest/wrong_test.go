package echotest

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	conformwrong "fopnp/internal/check/conform/wrong"
	"fopnp/internal/py/pyfmt"
)

// wrong is an echo server that is correct but for one defect, which a check must
// find. It is written independently of the servers of the lectures.
type wrong struct {
	defect    string
	oneClient bool // it is like echo_server, not like echoserver
	timeout   time.Duration
	faults    atomic.Int32 // that it has reported
}

// serveWrong is the main function of the server. Its status is returned.
func serveWrong(defect string, kind kind, args []string) int {
	w := &wrong{defect: defect, oneClient: kind == oneClientKind}
	flags := flag.NewFlagSet("wrong", flag.ExitOnError)
	port := flags.String("p", "0", "port")
	seconds := flags.Float64("t", 60, "how long to wait for a client")
	flags.Parse(args[1:])
	w.timeout = time.Duration(*seconds * float64(time.Second))
	listener, err := net.Listen("tcp", net.JoinHostPort(args[0], *port))
	if err != nil {
		fmt.Fprintln(os.Stderr, "wrong: listen:", err)
		return 1
	}
	// It has no conversation that could not be cut off.
	(&conformwrong.Listener{Listener: listener, Defect: "stops at once"}).StopOnSignal(0)
	if kind == oneMessageKind || kind == threadsKind {
		return w.serveMessages(listener, kind == threadsKind)
	}
	fmt.Println("Listening at " + pyfmt.HostPort(args[0], listener.Addr().(*net.TCPAddr).Port))
	if !w.oneClient {
		fmt.Println("Server is ready")
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return 1
		}
		if w.defect == "many at once" {
			go w.serve(conn.(*net.TCPConn))
			continue
		}
		w.serve(conn.(*net.TCPConn))
		if w.oneClient && w.defect != "serves the next" {
			break
		}
	}
	switch {
	case w.defect == "status of a fault":
		return 1
	case w.faults.Load() > 0 && w.defect != "fault has status 0":
		return 1
	}
	return 0
}

// serve serves one client and closes the connection.
func (w *wrong) serve(conn *net.TCPConn) {
	if w.oneClient {
		fmt.Printf("('Connected by', %s)\n", pyfmt.Addr(conn.RemoteAddr()))
	}
	err := w.echo(conn)
	if err != nil && w.defect != "faults are silent" {
		why := "connection reset by peer"
		if errors.Is(err, os.ErrDeadlineExceeded) {
			why = "timed out"
		}
		fmt.Fprintf(os.Stderr, "wrong: client %s: %s\n", pyfmt.Addr(conn.RemoteAddr()), why)
		w.faults.Add(1)
	}
	if w.defect != "closes with input unread" {
		most := int64(1 << 20)
		if w.defect == "reads on for ever" {
			most = 1 << 40
		}
		conn.CloseWrite()
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if w.defect == "reads on for ever" {
			conn.SetReadDeadline(time.Time{})
		}
		io.Copy(io.Discard, io.LimitReader(conn, most))
	}
	conn.Close()
}

// echo sends back what it receives.
func (w *wrong) echo(conn *net.TCPConn) error {
	size := 1024
	switch w.defect {
	case "short recv":
		size = 400
	case "long recv":
		size = 4096
	}
	buffer := make([]byte, size)
	for {
		conn.SetDeadline(time.Now().Add(w.timeout))
		n, err := conn.Read(buffer)
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if _, err := conn.Write(w.message(buffer[:n])); err != nil {
			return err
		}
		switch {
		case w.defect == "second message echoed":
		case !w.oneClient || w.defect == "one recv":
			return nil
		}
	}
}

// message returns what to send back for what was received.
func (w *wrong) message(received []byte) []byte {
	switch w.defect {
	case "decodes":
		return []byte(strings.ToValidUTF8(string(received), string(utf8.RuneError)))
	case "strips":
		return []byte(strings.Trim(string(received), " \r\n\x00"))
	case "echo is empty":
		return nil
	}
	return received
}
