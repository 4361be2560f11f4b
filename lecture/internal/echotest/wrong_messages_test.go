package echotest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"fopnp/internal/py/pyfmt"
)

// serveMessages serves one message to each client.
func (w *wrong) serveMessages(listener net.Listener, threads bool) int {
	host := "127.0.0.1"
	if w.defect == "shows no address" {
		host = ""
	}
	fmt.Printf("Listening at ('%s', %d)\n", host, listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			return 1
		}
		fmt.Println("Connection from " + pyfmt.Addr(conn.RemoteAddr()))
		if threads && w.defect != "one at a time" || w.defect == "many at once" {
			go w.serveMessage(conn.(*net.TCPConn), threads)
		} else {
			w.serveMessage(conn.(*net.TCPConn), threads)
		}
	}
}

// printing keeps the lines about a client's fault together.
var printing sync.Mutex

func (w *wrong) serveMessage(conn *net.TCPConn, threads bool) {
	addr := pyfmt.Addr(conn.RemoteAddr())
	closed := "Closed connection to " + addr + "\n"
	if w.defect == "Closed before the echo" {
		fmt.Print(closed)
	}
	msg, behind, err := w.receiveMessage(conn)
	if err == nil {
		fmt.Println(addr + ": " + w.printed(msg))
		if w.defect == "prints twice" {
			fmt.Println(addr + ": " + w.printed(msg))
		}
		conn.Write(w.echoOf(addr, msg, behind, threads))
	}
	printing.Lock()
	if err != nil && w.defect != "no Socket error" || w.defect == "Socket error for all" {
		fmt.Println("Socket error")
	}
	if w.defect == "fault after Closed" {
		fmt.Print(closed)
	}
	if why := w.why(behind, err); why != "" && w.defect != "faults are silent" {
		fmt.Printf("wrong: client %s: %s\n", addr, why)
	}
	if w.defect != "Closed is missing" && w.defect != "Closed before the echo" && w.defect != "fault after Closed" {
		fmt.Print(closed)
	}
	printing.Unlock()
	conn.CloseWrite()
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, io.LimitReader(conn, 1<<20))
	conn.Close()
}

// errUTF8 is the error of bytes that are no text.
var errUTF8 = errors.New("is not UTF-8")

// receiveMessage receives a message, and returns what came after it.
func (w *wrong) receiveMessage(conn net.Conn) (msg, behind []byte, err error) {
	most := 4096
	switch w.defect {
	case "short messages":
		most = 4095
	case "long messages":
		most = 5000
	}
	timeout := w.timeout
	if w.defect == "no timeout" {
		timeout = time.Minute
	}
	conn.SetReadDeadline(time.Now().Add(timeout))
	buffer := make([]byte, 8192)
	if w.defect == "small room" {
		buffer = buffer[:400]
	}
	for {
		n, err := conn.Read(buffer)
		if w.defect == "decodes pieces" {
			msg = append(msg, strings.ToValidUTF8(string(buffer[:n]), "\ufffd")...)
		} else {
			msg = append(msg, buffer[:n]...)
		}
		msg, behind, found := bytes.Cut(msg, []byte{0})
		switch {
		case found && w.defect == "empty message ends it" && len(msg) == 0:
			os.Exit(1)
		case len(msg) > most:
			return nil, nil, fmt.Errorf("received %s... without b'\\x00' in 4096 bytes", pyfmt.Bytes(msg[:40]))
		case found && utf8.Valid(msg), found && w.defect == "echoes any bytes":
			return msg, behind, nil
		case found && w.defect == "ends at any bytes":
			os.Exit(1)
		case found && w.defect == "does not name any bytes":
			return nil, nil, errUTF8
		case found:
			return nil, nil, fmt.Errorf("received %s, which %w", pyfmt.Bytes(msg), errUTF8)
		case w.defect == "one recv":
			return nil, nil, errors.New("half")
		case err == nil:
		case len(msg) > 0 && w.defect != "does not name half":
			return nil, nil, fmt.Errorf("received %s then %s", pyfmt.Bytes(msg), why(err))
		case err == io.EOF:
			return nil, nil, err
		default:
			return nil, nil, errors.New(why(err))
		}
	}
}

// why returns the reason why a client sends no more.
func why(err error) string {
	switch {
	case err == io.EOF:
		return "socket closed"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out"
	}
	return "connection reset by peer"
}

// printed returns a message as the server prints it.
func (w *wrong) printed(msg []byte) string {
	if w.defect == "prints what comes" {
		return string(msg)
	}
	return pyfmt.Bare(msg)
}

// echoOf returns the echo of a message.
func (w *wrong) echoOf(addr string, msg, behind []byte, threads bool) []byte {
	echo := bytes.Clone(w.message(msg))
	switch {
	case w.defect == "no echo with a rest" && len(behind) > 0:
		return nil
	case w.defect == "echoes all":
		echo = append(append(echo, 0), behind...)
	case threads && w.defect != "echo has no address":
		echo = append([]byte(addr+": "), echo...)
	}
	return append(echo, 0)
}

// why returns the client's fault, if there is one.
func (w *wrong) why(behind []byte, err error) string {
	switch {
	case err == io.EOF && w.defect != "nothing is a fault":
		return ""
	case err != nil:
		return err.Error()
	case len(behind) == 0, w.defect == "does not name the rest":
		return ""
	case w.defect == "names the rest first":
		return "received " + pyfmt.Bytes(behind[:1]) + " and more"
	}
	return "received " + pyfmt.Bytes(behind) + " after it"
}
