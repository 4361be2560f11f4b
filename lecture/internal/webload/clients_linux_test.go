package webload

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
)

const httpHeader = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n"

// small returns a small file, and its header in the file transfer.
func small(t *testing.T) (f *File, header string) {
	f, err := NewFile(t.TempDir(), "small.txt", 1024)
	if err != nil {
		t.Fatal(err)
	}
	return f, f.length + " " + f.sum + "\n"
}

// serve answers each client, in pieces of the given size, and closes. A client
// that leaves early gets no more.
func serve(t *testing.T, answer string, piece int) (port int) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.Read(make([]byte, 4096))
				for rest := answer; rest != "" && err == nil; {
					n := min(piece, len(rest))
					_, err = io.WriteString(conn, rest[:n])
					rest = rest[n:]
				}
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

// crowdOf makes two clients ask until there are 20 right answers or two errors.
func crowdOf(t *testing.T, port int, p protocol, f *File) *crowd {
	t.Helper()
	c, err := newCrowd(port, p, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	for deadline := time.Now().Add(patience); c.requests < 20 && c.errors < 2; {
		if time.Now().After(deadline) {
			t.Fatalf("%d answers and %d errors in %v", c.requests, c.errors, patience)
		}
		if err := c.converse(2, time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// A crowd understands both protocols, in whatever pieces an answer comes.
func TestCrowd(t *testing.T) {
	t.Parallel()
	f, header := small(t)
	large, err := NewFile(t.TempDir(), "big.bin", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name     string
		protocol protocol
		file     *File
		answer   string
	}{
		{"web", web{}, f, httpHeader + string(f.text)},
		{"files", files{}, f, header + string(f.text)},
		{"large", web{}, large, strings.Replace(httpHeader, "1024", large.length, 1) + strings.Repeat("\x00", 1<<20)},
	} {
		for _, piece := range []int{7, 100, 1 << 20} {
			if test.file == large && piece == 7 {
				continue // too slow
			}
			c := crowdOf(t, serve(t, test.answer, piece), test.protocol, test.file)
			if c.errors > 0 {
				t.Errorf("%s in pieces of %d: %d errors", test.name, piece, c.errors)
			}
			if c.bytes < int64(c.requests)*test.file.Size {
				t.Errorf("%s in pieces of %d: %d answers, but %d bytes", test.name, piece, c.requests, c.bytes)
			}
		}
	}
}

// A crowd notices an answer that is not the file.
func TestCrowdNotices(t *testing.T) {
	t.Parallel()
	f, header := small(t)
	text := string(f.text)
	for name, test := range map[string]struct {
		protocol protocol
		answer   string
	}{
		"another file":   {web{}, httpHeader + strings.Replace(text, "ugly", "evil", 1)},
		"too little":     {web{}, httpHeader + text[:1023]},
		"too much":       {web{}, httpHeader + text + "!"},
		"another length": {web{}, strings.Replace(httpHeader, "1024", "1023", 1) + text[:1023]},
		"no length":      {web{}, strings.Replace(httpHeader, "Length", "Size", 1) + text},
		"another status": {web{}, strings.Replace(httpHeader, "200 OK", "404 Not Found", 1) + text},
		"no header":      {web{}, text},
		"half a header":  {web{}, httpHeader[:len(httpHeader)-2]},
		"nothing":        {web{}, ""},
		"another hash":   {files{}, strings.Replace(header, f.sum[:4], "0000", 1) + text},
		"a refusal":      {files{}, "error: no such file\n"},
	} {
		if c := crowdOf(t, serve(t, test.answer, 1<<20), test.protocol, f); c.requests > 0 {
			t.Errorf("%s: %d answers, want errors", name, c.requests)
		}
	}
}

// Fetch asks as often as it should, and not more often.
func TestFetch(t *testing.T) {
	t.Parallel()
	f, header := small(t)
	c, err := newCrowd(serve(t, header+string(f.text), 1<<20), files{}, f)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := c.fetch(3); err != nil || c.requests != 3 || c.clients[0].key != nil {
		t.Errorf("%d answers, %v, want 3, and no connection after them", c.requests, err)
	}
	if c, err = newCrowd(serve(t, header, 1<<20), files{}, f); err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := c.fetch(3); err != errWrong {
		t.Errorf("the answer has no file, and the error is %v", err)
	}
}

// A client that the kernel keeps waiting, because the server's queue is full,
// asks when it is connected.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	f, header := small(t)
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(listener)
	loopback := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(listener, loopback); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	address, err := unix.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCrowd(address.(*unix.SockaddrInet4).Port, files{}, f)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	c.come(2)
	if !c.clients[0].asked || c.clients[1].asked {
		t.Fatalf("the queue has room for %v, %v", c.clients[0].asked, c.clients[1].asked)
	}
	go func() {
		for {
			fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
			if err != nil {
				return
			}
			unix.Read(fd, make([]byte, 4096))
			unix.Write(fd, append([]byte(header), f.text...))
			unix.Close(fd)
		}
	}()
	progtest.Until(t, "both clients have the file", func() bool {
		if err := c.step(time.Now().Add(10*time.Millisecond), false); err != nil {
			t.Fatal(err)
		}
		return c.errors > 0 || c.requests == 2
	})
	if c.errors > 0 {
		t.Errorf("%d errors", c.errors)
	}
	unix.Shutdown(listener, unix.SHUT_RDWR) // ends the server
}
