package filetest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	conformwrong "fopnp/internal/check/conform/wrong"
	"fopnp/internal/py/pyfmt"
)

// wrong is a file server that is correct but for one defect, which a check must
// find. It is written independently of file_server, but prints its lines.
type wrong struct {
	defect   string
	dir      string
	root     *os.Root
	timeout  time.Duration
	stopping context.Context
	threads  sync.WaitGroup
	one      sync.Mutex        // the turn of the defect "one at a time"
	mu       sync.Mutex        // for hashes
	hashes   map[string]string // of file, size and time
	crowd    [][]byte          // memory that is used up
	shared   atomic.Pointer[os.File]
}

// serveWrong is the main function of the server. It takes what the checks give
// it: HOST -p 0 -root DIR, and perhaps -t SECONDS.
func serveWrong(defect string, args []string) {
	w := &wrong{defect: defect, timeout: time.Minute, hashes: map[string]string{}}
	for i := 1; i < len(args); i += 2 {
		switch args[i] {
		case "-root":
			w.dir = args[i+1]
		case "-t":
			seconds, _ := strconv.ParseFloat(args[i+1], 64)
			w.timeout = time.Duration(seconds * float64(time.Second))
		}
	}
	var err error
	if w.root, err = os.OpenRoot(w.dir); err != nil {
		panic(err)
	}
	inner, err := net.Listen("tcp", net.JoinHostPort(args[0], "0"))
	if err != nil {
		panic(err)
	}
	listener := &conformwrong.Listener{Listener: inner, Defect: defect}
	var hurrying context.Context
	w.stopping, hurrying = listener.StopOnSignal(900 * time.Millisecond)
	context.AfterFunc(hurrying, func() { os.Exit(0) })
	fmt.Printf("Listening at %s\nServer listening....\n", pyfmt.HostPort(args[0], listener.Addr().(*net.TCPAddr).Port))
	for {
		conn, err := listener.Accept()
		if err != nil {
			break
		}
		fmt.Println("Got connection from", pyfmt.Addr(conn.RemoteAddr()))
		if defect == "fat clients" {
			w.crowd = append(w.crowd, bytes.Repeat([]byte{1}, 100<<10))
		}
		w.threads.Go(func() { w.run(conn.(*net.TCPConn)) })
	}
	w.threads.Wait()
}

func (w *wrong) run(conn *net.TCPConn) {
	defer conn.Close()
	if w.defect == "one at a time" {
		w.one.Lock()
		defer w.one.Unlock()
	}
	defer context.AfterFunc(w.stopping, func() {
		conn.SetReadDeadline(time.Unix(1, 0))
		if w.defect != "stops late" {
			conn.SetWriteDeadline(time.Now().Add(600 * time.Millisecond))
		}
	})()
	conn.SetReadDeadline(time.Now().Add(w.timeout))
	request, err := w.request(conn)
	switch {
	case w.stopping.Err() != nil && request == "", err == io.EOF && request == "":
		return
	case err == io.EOF:
		err = fmt.Errorf("received %s then socket closed", pyfmt.Bytes([]byte(request)))
	case os.IsTimeout(err):
		err = errors.New("timed out")
	case err == nil:
		fmt.Printf("('Server received', %s)\n", pyfmt.Repr(pyfmt.Repr([]byte(request))))
		err = w.answer(conn, strings.TrimSuffix(request, "\n"))
	}
	if err == nil && w.defect != "never done" || w.defect == "always done" {
		fmt.Println("Done sending")
	}
	if err != nil && w.defect != "faults are silent" {
		fmt.Fprintf(os.Stderr, "wrong: client %s: %v\n", pyfmt.Addr(conn.RemoteAddr()), err)
	}
	// Read on, so no reset destroys what was sent.
	conn.CloseWrite()
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.CopyN(io.Discard, conn, 1<<20)
}

func (w *wrong) request(conn *net.TCPConn) (string, error) {
	if w.defect == "a segment is a request" {
		buffer := make([]byte, 4096)
		n, err := conn.Read(buffer)
		return string(buffer[:n]), err
	}
	longest := len("\n") + 4096
	switch w.defect {
	case "refuses long requests":
		longest = 4050
	case "one byte too many":
		longest++
	}
	received := bufio.NewReaderSize(conn, longest)
	line, err := received.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		err = errors.New("too long")
	}
	return string(line), err
}

// answer answers a request. If it cannot, it tells the client why.
func (w *wrong) answer(conn *net.TCPConn, request string) error {
	file, offset, err := w.open(request)
	if err == nil && w.defect == "shares the file" {
		w.shared.Store(file)
		<-time.After(time.Millisecond)
		file = w.shared.Load()
	}
	var size int64
	var hash string
	if err == nil {
		if w.defect != "leaves files open" {
			defer file.Close()
		}
		size, hash, err = w.hash(file)
	}
	if err == nil && offset > size {
		if w.defect == "beyond is the end" {
			offset = size
		} else {
			err = errors.New("beyond the end")
		}
	}
	if err != nil {
		reply := "error: no\n"
		switch w.defect {
		case "no reason":
			reply = ""
		case "reason quotes":
			reply = "error: no " + request + "\n"
		}
		io.WriteString(conn, reply)
		return errors.New("no such file")
	}
	announced := size
	if w.defect == "length of the rest" {
		announced -= offset
	}
	if w.defect == "ignores the offset" {
		offset = 0
	}
	conn.SetWriteDeadline(time.Now().Add(w.timeout))
	if w.defect == "sends for ever" {
		conn.SetWriteDeadline(time.Time{})
	}
	fmt.Fprintf(conn, "%d %s\n", announced, hash)
	file.Seek(offset, io.SeekStart)
	return w.send(conn, file, size-offset)
}

func (w *wrong) send(conn *net.TCPConn, file *os.File, left int64) error {
	var from io.Reader = io.LimitReader(file, left)
	switch w.defect {
	case "much memory":
		w.crowd = append(w.crowd, bytes.Repeat([]byte{1}, 100<<20))
	case "sends what is there":
		from = file
	}
	sent := int64(0)
	for {
		if w.defect == "opens it for each piece" {
			again, err := os.Open(file.Name())
			if err != nil {
				return errors.New("gone")
			}
			defer again.Close()
			again.Seek(sent, io.SeekStart)
			from = again
		}
		n, err := io.CopyN(conn, from, 64<<10)
		sent += n
		switch {
		case err == io.EOF && sent < left:
			if w.defect == "fills up" {
				io.CopyN(conn, zeros{}, left-sent)
			}
			return errors.New("the file ended")
		case err == io.EOF:
			return nil
		case os.IsTimeout(err) && w.stopping.Err() == nil:
			return errors.New("timed out")
		case err != nil && w.defect == "exits when a client is gone":
			os.Exit(1)
		case err != nil:
			return errors.New("not sent")
		}
	}
}

type zeros struct{}

func (zeros) Read(data []byte) (int, error) { return len(data), nil }

func (w *wrong) open(request string) (*os.File, int64, error) {
	number, name, found := strings.Cut(request, " ")
	if !found && w.defect == "lazy about requests" {
		number, name, found = "0", strings.TrimLeft(request, " 0"), true
		if name == "" {
			name = "mytext.txt"
		}
	}
	if w.defect == "first word" {
		name, _, _ = strings.Cut(name, " ")
	}
	if w.defect == "trims" {
		name = strings.Trim(name, " \r")
	}
	offset, err := strconv.ParseInt(number, 10, 64)
	switch {
	case !found || name == "":
		return nil, 0, errors.New("no request")
	case w.defect == "signs" && err == nil:
		offset = max(offset, -offset)
	case w.defect == "no number is 0" && errors.Is(err, strconv.ErrSyntax),
		w.defect == "huge is 0" && errors.Is(err, strconv.ErrRange):
		offset = 0
	case err != nil || strings.ContainsAny(number, "+-"):
		return nil, 0, errors.New("no number")
	case w.defect == "C strings":
		name, _, _ = strings.Cut(name, "\x00")
	case w.defect == "repairs UTF-8":
		name = strings.ToValidUTF8(name, "")
	case strings.Contains(name, "\x00") || !utf8.ValidString(name):
		return nil, 0, errors.New("no name")
	}
	open := func(name string) (*os.File, error) {
		return w.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	switch w.defect {
	case "joins names", "joins local names", "cleans names":
		if w.defect == "joins local names" && !filepath.IsLocal(name) {
			return nil, 0, errors.New("outside")
		}
		if w.defect == "cleans names" {
			name = filepath.Join("/", name)
		}
		open = func(name string) (*os.File, error) { return os.Open(filepath.Join(w.dir, name)) }
	case "follows no links":
		open = func(name string) (*os.File, error) {
			return os.OpenFile(filepath.Join(w.dir, name), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
		}
	case "waits for a writer":
		open = w.root.Open
	case "one folder":
		if strings.Contains(name, "/") {
			return nil, 0, errors.New("outside")
		}
	}
	file, err := open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() && w.defect != "anything is plain" {
		file.Close()
		return nil, 0, errors.New("not plain")
	}
	return file, offset, nil
}

// errChanged is the error of a file that changed while it was read.
var errChanged = errors.New("the file keeps changing")

func (w *wrong) hash(file *os.File) (size int64, hash string, err error) {
	for range 5 {
		size, hash, err = w.hashOnce(file)
		if err != errChanged {
			break
		}
	}
	return size, hash, err
}

// hashOnce returns the size and the hash of a file. It first waits until the
// file's next change would leave a different time, and it remembers the hash.
func (w *wrong) hashOnce(file *os.File) (int64, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, err := statOf(file)
	if err != nil {
		return 0, "", err
	}
	key := w.key(file, before)
	if hash := w.hashes[key]; hash != "" && w.defect != "never remembers" {
		return before.Size, hash, nil
	}
	<-time.After(30 * time.Millisecond)
	h := sha256.New()
	for at := int64(0); at < before.Size; at += 1 << 20 {
		if w.stopping.Err() != nil && w.defect != "hashes to the end" {
			return 0, "", errors.New("server stopped")
		}
		io.Copy(h, io.NewSectionReader(file, at, min(1<<20, before.Size-at)))
	}
	hash := fmt.Sprintf("%x", h.Sum(nil))
	after, err := statOf(file)
	if err != nil {
		return 0, "", err
	}
	if now := w.key(file, after); now != key {
		if w.defect != "looks once" {
			return 0, "", errChanged
		}
		key = now
	}
	w.hashes[key] = hash
	return before.Size, hash, nil
}

func statOf(file *os.File) (*syscall.Stat_t, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return info.Sys().(*syscall.Stat_t), nil
}

// key returns the key under which the server remembers a hash.
func (w *wrong) key(file *os.File, stat *syscall.Stat_t) string {
	switch w.defect {
	case "knows files by name":
		return file.Name()
	case "knows files by inode":
		return fmt.Sprint(stat.Dev, stat.Ino)
	case "knows files by size":
		return fmt.Sprint(stat.Dev, stat.Ino, stat.Size)
	case "knows files by time":
		return fmt.Sprint(stat.Dev, stat.Ino, stat.Size, stat.Mtim)
	}
	return fmt.Sprint(stat.Dev, stat.Ino, stat.Size, stat.Mtim, stat.Ctim)
}
