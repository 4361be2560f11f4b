//go:build unix

package webtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	conformwrong "fopnp/internal/check/conform/wrong"
	"fopnp/internal/py/pyfmt"
)

// wrong is a web server that is correct but for one defect, which a check must
// find. It is written independently of webserver.
type wrong struct {
	defect        string
	timeout       time.Duration
	folder        string
	root          *os.Root
	listener      *conformwrong.Listener
	stopping      context.Context
	hurrying      context.Context
	conversations sync.WaitGroup
	places        chan struct{} // one for each conversation at a time
	kept          sync.Map      // what the defects keep from the garbage collector
}

// serveWrong is the main function of the server. It returns the status.
func serveWrong(defect string, args []string) int {
	w := &wrong{defect: defect, timeout: time.Minute, places: make(chan struct{}, 1<<20)}
	if defect == "a thousand places" {
		w.places = make(chan struct{}, 1000)
	}
	host, port, err := w.parse(args)
	const usage = "usage: wrong [-h] [-root dir] [-p port] [-t seconds] [host]"
	switch {
	case errors.Is(err, errHelp):
		fmt.Println(usage)
		return 0
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s\nwrong: %v\n", usage, err)
		if defect == "wrong call has status 1" {
			return 1
		}
		return 2
	}
	var listener net.Listener
	if w.root, err = os.OpenRoot(w.folder); err == nil {
		listener, err = net.Listen("tcp", net.JoinHostPort(host, port))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "wrong: listen: %v\n", err)
		return 1
	}
	w.listener = &conformwrong.Listener{Listener: listener, Defect: defect}
	w.stopping, w.hurrying = w.listener.StopOnSignal(600 * time.Millisecond)
	if port == "0" {
		fmt.Println("Listening at " + pyfmt.HostPort(host, w.listener.Addr().(*net.TCPAddr).Port))
	}
	fmt.Println("Web server is ready")
	w.acceptForever()
	w.conversations.Wait()
	return 0
}

var errHelp = errors.New("help")

func (w *wrong) parse(args []string) (host, port string, err error) {
	host, port = "localhost", "8080"
	hosts := 0
	for i := 0; i < len(args) && err == nil; i++ {
		option := args[i]
		if option == "-h" {
			return "", "", errHelp
		}
		if !strings.HasPrefix(option, "-") {
			host = option
			hosts++
			continue
		}
		if i++; i == len(args) {
			return "", "", errors.New("option without value")
		}
		switch value := args[i]; option {
		case "-root":
			w.folder = value
		case "-p":
			port = value
			_, err = strconv.ParseUint(value, 10, 16)
		case "-t":
			var seconds float64
			seconds, err = strconv.ParseFloat(value, 64)
			w.timeout = time.Duration(seconds * float64(time.Second))
			if seconds < 0 {
				err = errors.New("negative")
			}
		default:
			err = errors.New("unknown option")
		}
	}
	if hosts > 1 {
		err = errors.New("one host, please")
	}
	return host, port, err
}

func (w *wrong) acceptForever() {
	for {
		w.places <- struct{}{}
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.conversations.Go(func() {
			w.converse(conn.(*net.TCPConn))
			<-w.places
		})
	}
}

// converse holds a whole conversation.
func (w *wrong) converse(conn *net.TCPConn) {
	if w.defect == "connections stay open" {
		w.kept.Store(conn, nil)
	}
	defer context.AfterFunc(w.stopping, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	defer context.AfterFunc(w.hurrying, func() { conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) })()
	w.startClock(conn)
	why := w.answerRequest(conn)
	if why != "" && w.defect != "faults are silent" {
		fmt.Fprintf(os.Stderr, "wrong: client %s: %s\n", pyfmt.Addr(conn.RemoteAddr()), why)
	}
	w.close(conn)
}

// startClock gives the client its whole time.
func (w *wrong) startClock(conn *net.TCPConn) {
	if w.timeout > 0 {
		conn.SetDeadline(time.Now().Add(w.timeout))
	}
	if w.defect == "sends for ever" || w.hurrying.Err() != nil {
		conn.SetWriteDeadline(time.Time{})
	}
	if w.stopping.Err() != nil {
		conn.SetReadDeadline(time.Unix(1, 0))
	}
	if w.hurrying.Err() != nil {
		conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	}
}

// close closes a connection, but not before the client has received what was sent.
func (w *wrong) close(conn *net.TCPConn) {
	if w.defect == "connections stay open" {
		conn.CloseWrite()
		return
	}
	defer conn.Close()
	if w.defect == "closes with input unread" {
		return
	}
	conn.CloseWrite()
	patience := 500 * time.Millisecond
	if w.stopping.Err() != nil {
		patience = 100 * time.Millisecond
	}
	conn.SetReadDeadline(time.Now().Add(patience))
	io.Copy(io.Discard, io.LimitReader(conn, 2<<20))
}

// answerRequest answers a request, and returns what there is to report.
func (w *wrong) answerRequest(conn *net.TCPConn) (why string) {
	method, header, status, why := w.readHeader(conn)
	if header == "" {
		if status != "" {
			w.refuse(conn, method, status)
		}
		return why
	}
	if w.defect == "half-close loses" {
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := conn.Read(make([]byte, 1)); err == io.EOF {
			return ""
		}
	}
	line, fields, _ := strings.Cut(header, "\n")
	line = strings.TrimSuffix(line, "\r")
	_, target, status, why := w.parseLine(line)
	if status == "" && strings.HasSuffix(line, "/1.1") && !w.hasHost(fields) {
		status, why = "400 Bad Request", "HTTP/1.1 without Host"
	}
	if status == "" {
		status, why = w.sendFile(conn, method, target, fields)
	}
	if status != "" {
		w.refuse(conn, method, status)
	}
	if w.defect == "answers all" && status == "" {
		return w.answerRequest(conn)
	}
	return why
}

func (w *wrong) hasHost(fields string) bool {
	for line := range strings.Lines(fields) {
		name, _, found := strings.Cut(line, ":")
		if found && (name == "Host" || strings.EqualFold(name, "host") && w.defect != "Host in one spelling") {
			return true
		}
	}
	return w.defect == "Host is optional"
}

// readHeader returns the method, and the request line and the header. If they do
// not come, it returns how to answer, if at all, and why.
func (w *wrong) readHeader(conn *net.TCPConn) (method, header, status, why string) {
	var received []byte
	most := map[string]int{"most is 16383": maxHeader - 1, "most is 16385": maxHeader + 1, "no most": 1 << 30}[w.defect]
	if most == 0 {
		most = maxHeader
	}
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		if w.defect == "segments are requests" && n > 0 {
			received = nil
		}
		received = append(received, buffer[:n]...)
		line, _, whole := strings.Cut(string(received), "\n")
		line = strings.TrimSuffix(line, "\r")
		if whole && len(line) < most {
			var status, why string
			method, _, status, why = w.parseLine(line)
			if status == "400 Bad Request" && w.defect != "waits for the header" {
				return method, "", status, why
			}
		}
		for _, end := range []string{"\n\r\n", "\n\n"} {
			i := bytes.Index(received, []byte(end))
			if i >= 0 && i+len(end) <= most && !(end == "\n\n" && w.defect == "CR is needed") {
				return method, string(received[:i+1]), "", ""
			}
		}
		if n := len(received); n > most || n == most && err == nil {
			return method, "", tooLarge, fmt.Sprintf("the header has more than %d bytes", maxHeader)
		}
		if w.defect == "bytes renew the time" {
			w.startClock(conn)
		}
		quoted := "received " + pyfmt.Bytes(received) + " then "
		if len(received) == 0 || w.defect == "half not named" {
			quoted = ""
		}
		switch {
		case err == nil:
		case err == io.EOF && len(received) == 0 && w.defect != "silence is a fault":
			return method, "", "", ""
		case err == io.EOF && w.defect == "half is a whole":
			return method, string(received) + "\r\n", "", ""
		case err == io.EOF && w.defect == "half gets no answer":
			return method, "", "", quoted + "socket closed"
		case err == io.EOF:
			return method, "", "400 Bad Request", quoted + "socket closed"
		case errors.Is(err, os.ErrDeadlineExceeded) && w.stopping.Err() != nil:
			if len(received) == 0 {
				return method, "", "", ""
			}
			return method, "", "", quoted + "server stopped"
		default:
			return method, "", "", quoted + reason(err)
		}
	}
}

func reason(err error) string {
	var errno syscall.Errno
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return err.Error()
}

func (w *wrong) parseLine(line string) (method, target, status, why string) {
	bad := func(what string) (string, string, string, string) {
		return method, target, "400 Bad Request", what + " in " + pyfmt.Bytes([]byte(line))
	}
	method, rest, _ := strings.Cut(line, " ")
	target, version, _ := strings.Cut(rest, " ")
	switch {
	case w.defect == "any request line" && (target == "" || method == ""):
		return "GET", "/nosuch", "", ""
	case line == "":
		return "", "", "400 Bad Request", "an empty line in place of a request line"
	case method == "" || target == "":
		return bad("no request line")
	case version == "" && w.defect == "waits for HTTP/0.9":
		return method, target, "", ""
	case version != "HTTP/1.0" && version != "HTTP/1.1" && w.defect != "any version":
		return bad("no HTTP/1.0 or HTTP/1.1")
	}
	target, _, _ = strings.Cut(target, "?")
	if w.defect == "query is part of the name" {
		target, _, _ = strings.Cut(rest, " ")
	}
	if !strings.HasPrefix(target, "/") {
		if _, after, found := strings.Cut(target, "://"); found {
			_, target, _ = strings.Cut(after, "/")
			target = "/" + target
		}
	}
	decode := url.PathUnescape
	if w.defect == "plus is a space" {
		decode = url.QueryUnescape
	}
	name, err := decode(target)
	if w.defect == "never decodes" || w.defect == "dots before decoding" {
		name = target
	}
	if err != nil && w.defect != "bad percent-encoding stays" {
		return bad("bad percent-encoding")
	} else if err != nil {
		name = target
	}
	if strings.Contains(name, "\x00") && w.defect != "zero byte passes" {
		return bad("a zero byte")
	}
	return method, strings.TrimPrefix(name, "/"), "", ""
}

// sendFile returns the status of another answer, if the file cannot be sent, and
// what there is to report.
func (w *wrong) sendFile(conn *net.TCPConn, method, name, fields string) (status, why string) {
	shown := pyfmt.Bare([]byte(name))
	switch w.defect {
	case "names are not escaped":
		shown = name
	case "keeps the slash":
		shown = "/" + name
	}
	fmt.Println("requested file: ", shown)
	if method != "GET" && method != "HEAD" && !(w.defect == "other methods get files" || w.defect == "methods in any case" && strings.EqualFold(method, "get")) {
		return "405 Method Not Allowed", ""
	}
	if w.defect == "says sent too early" {
		fmt.Println("file was found and sent")
	}
	hidden := strings.HasPrefix(name, ".") || strings.Contains(name, "/.") || strings.Contains(name, `\.`)
	if w.defect == "dots lead up" {
		hidden = strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "..")
	}
	if w.defect == "backslash is a slash" {
		hidden = hidden && !strings.Contains(name, `\`)
	}
	switch {
	case hidden && w.defect == "dots are forbidden":
		return "403 Forbidden", ""
	case strings.Count(name, ".") > 1 && w.defect == "no dots at all":
		return "404 Not Found", ""
	}
	if hidden && w.defect != "dot files are files" {
		return "404 Not Found", ""
	}
	if w.defect == "dots before decoding" {
		name, _ = url.PathUnescape(name)
		name = strings.TrimPrefix(name, "/")
	}
	if (name == "" || strings.HasSuffix(name, "/")) && w.defect != "no index" {
		name += "index.html"
	}
	file, err := w.open(name)
	switch {
	case errors.Is(err, syscall.EMFILE) && w.defect != "no descriptor is not there":
		return "503 Service Unavailable", "too many open files"
	case err != nil && w.defect == "absent is empty":
		io.WriteString(conn, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
		return "", ""
	case err != nil:
		return "404 Not Found", ""
	}
	if w.defect == "files stay open" {
		w.kept.Store(file, nil)
	} else {
		defer file.Close()
	}
	info, err := file.Stat()
	switch {
	case err != nil, !info.Mode().IsRegular() && !info.IsDir() && w.defect != "devices are files",
		info.IsDir() && w.defect != "lists folders", info.Size() == 0 && w.defect == "empty file is missing":
		return "404 Not Found", ""
	case info.IsDir():
		names, _ := file.Readdirnames(-1)
		return strings.Join(names, " "), ""
	}
	size := info.Size()
	header := fmt.Sprintf("HTTP/1.0 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", w.contentType(name), w.length(file, size))
	switch w.defect {
	case "bare line feeds":
		header = strings.ReplaceAll(header, "\r", "")
	case "HTTP/1.1":
		header = strings.Replace(header, "HTTP/1.0", "HTTP/1.1", 1)
	case "knows ranges":
		if strings.Contains(fields, "Range: bytes=100-") {
			header = fmt.Sprintf("HTTP/1.0 206 Partial Content\r\nContent-Length: %d\r\n\r\n", size-100)
			file.Seek(100, io.SeekStart)
			size -= 100
		}
	}
	if _, err := conn.Write([]byte(header)); err != nil {
		return "", reason(err) + " before we sent " + pyfmt.Bytes([]byte(header))
	}
	if method == "HEAD" && w.defect != "HEAD gets the file" {
		if w.defect == "says sent for HEAD" {
			fmt.Println("file was found and sent")
		}
		return "", ""
	}
	sent, err := w.send(conn, file, size)
	switch {
	case err == io.EOF && w.defect == "shrinking is no fault":
		return "", ""
	case err == io.EOF:
		return "", fmt.Sprintf("the file ended after %d of %d bytes", sent, size)
	case errors.Is(err, syscall.ECONNRESET) && w.defect == "reset is an end", errors.Is(err, syscall.EPIPE) && w.defect == "reset is an end":
		return "", ""
	case errors.Is(err, os.ErrDeadlineExceeded) && w.stopping.Err() != nil:
		return "", fmt.Sprintf("server stopped after we sent %d of %d bytes", sent, size)
	case err != nil:
		return "", fmt.Sprintf("%s after we sent %d of %d bytes", reason(err), sent, size)
	}
	if w.defect != "says sent too early" && w.defect != "never says sent" {
		fmt.Println("file was found and sent")
	}
	return "", ""
}

func (w *wrong) open(name string) (*os.File, error) {
	flags := os.O_RDONLY | syscall.O_NONBLOCK
	plain := filepath.Join(w.folder, name)
	switch w.defect {
	case "opens pipes":
		flags = os.O_RDONLY
	case "follows links", "dots lead up", "dots before decoding":
		return os.OpenFile(plain, flags, 0)
	case "decodes twice":
		if again, err := url.PathUnescape(name); err == nil {
			return os.OpenFile(filepath.Join(w.folder, again), flags, 0)
		}
	case "absolute names":
		if path.IsAbs(name) {
			return os.OpenFile(name, flags, 0)
		}
	case "slashes merge":
		name = strings.TrimLeft(name, "/")
	case "backslash is a slash":
		// Windows does this by itself.
		return os.OpenFile(filepath.Join(w.folder, strings.ReplaceAll(name, `\`, "/")), flags, 0)
	case "no links":
		if real, err := filepath.EvalSymlinks(plain); err == nil && real != plain {
			return nil, fs.ErrNotExist
		}
	case "drives are folders":
		if strings.Contains(name, ":") {
			return w.root.OpenFile("page.txt", flags, 0)
		}
	}
	return w.root.OpenFile(name, flags, 0)
}

func (w *wrong) contentType(name string) string {
	extension := path.Ext(name)
	switch t := types[strings.ToLower(extension)]; {
	case w.defect == "types in small letters only" && extension != strings.ToLower(extension):
		return anyBytes
	case w.defect == "text is the default" && (t == "" || t == anyBytes):
		return "text/plain"
	case t == "":
		return anyBytes
	case strings.HasPrefix(t, "text/"):
		return t + "; charset=utf-8"
	default:
		return t
	}
}

// length returns the length that the header announces.
func (w *wrong) length(file *os.File, size int64) int64 {
	if w.defect == "length in characters" {
		text, _ := io.ReadAll(file)
		file.Seek(0, io.SeekStart)
		return int64(len([]rune(string(text))))
	}
	return size
}

// send sends a file in pieces. The client has its whole time for each.
func (w *wrong) send(conn *net.TCPConn, file *os.File, size int64) (sent int64, err error) {
	switch w.defect {
	case "text only":
		text, _ := io.ReadAll(file)
		n, err := conn.Write(bytes.ToValidUTF8(text, []byte("?")))
		return int64(n), err
	case "whole file in memory":
		all := bytes.Repeat([]byte{1}, 80<<20)
		w.kept.Store("all", all)
	case "sends what is there":
		size = 1 << 60
	}
	for sent < size {
		if w.defect != "one time for all" {
			w.startClock(conn)
		}
		if w.defect == "opens it again" {
			if _, err := os.Stat(filepath.Join(w.folder, filepath.Base(file.Name()))); err != nil {
				return sent, err
			}
		}
		n, err := io.CopyN(conn, file, min(256<<10, size-sent))
		sent += n
		switch {
		case err == io.EOF && w.defect == "sends what is there":
			return sent, nil
		case err == io.EOF && w.defect == "zeros for what is gone":
			rest, err := io.CopyN(conn, zeros{}, size-sent)
			return sent + rest, err
		case err != nil:
			return sent, err
		}
	}
	return sent, nil
}

type zeros struct{}

func (zeros) Read(data []byte) (int, error) { clear(data); return len(data), nil }

// refuse sends an answer that is not a file.
func (w *wrong) refuse(conn *net.TCPConn, method, status string) {
	allow := ""
	if strings.HasPrefix(status, "405") && w.defect != "405 without Allow" {
		allow = "Allow: GET, HEAD\r\n"
	}
	body := status + "\n"
	answer := fmt.Sprintf("HTTP/1.0 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n", status, len(body), allow)
	if method != "HEAD" || w.defect == "HEAD gets the reason" {
		answer += body
	}
	io.WriteString(conn, answer)
}
