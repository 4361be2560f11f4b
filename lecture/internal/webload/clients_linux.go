package webload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
)

// A crowd is a number of clients of one server in one thread. Each connects,
// asks for the same file, receives it until the server closes, and connects
// again.
//
// A server pays for each time that its bytes wake a client. So a client sleeps
// until there is much to receive (see lowWater) or the server has closed. It
// compares a small file with what it should be. It only counts the bytes of a
// large one, which the kernel drops without copying them.
type crowd struct {
	server   unix.SockaddrInet4
	protocol protocol
	file     *File
	question []byte // what asks for the file
	lowWater int
	selector selectors.Selector
	clients  []*client
	buffer   []byte
	now      time.Time

	// Counts since reset.
	requests, errors int
	bytes            int64 // of the files
}

// A client is one place in the crowd, and its connection.
type client struct {
	sock   socket.Socket
	key    *selectors.Key
	asked  bool
	header []byte // as much as has arrived, if it is not whole
	body   bool   // the header was there
	got    int64  // bytes of the file
}

// A protocol is how a client asks for a file, and what precedes the file in the
// answer.
type protocol interface {
	request(f *File) []byte

	// header returns how many bytes of an answer are its header, or 0 if that
	// is not whole. The error says that the answer is not the file.
	header(answer []byte, f *File) (int, error)
}

var errWrong = errors.New("not the file")

// web asks over HTTP.
type web struct{}

func (web) request(f *File) []byte {
	return fmt.Appendf(nil, "GET /%s HTTP/1.0\r\nHost: localhost\r\n"+
		"User-Agent: fopnp\r\nAccept: */*\r\n\r\n", f.Name)
}

var (
	headerEnd     = []byte("\r\n\r\n")
	statusOK      = []byte(" 200 ")
	contentLength = []byte("\r\nContent-Length: ") // all servers spell it so
)

func (web) header(answer []byte, f *File) (int, error) {
	end := bytes.Index(answer, headerEnd)
	if end < 0 {
		return 0, nil
	}
	head := answer[:end]
	_, length, _ := bytes.Cut(head, contentLength)
	length, _, _ = bytes.Cut(length, headerEnd[:2])
	const version = len("HTTP/1.0")
	if len(head) < version || !bytes.HasPrefix(head[version:], statusOK) ||
		string(length) != f.length {
		return 0, errWrong
	}
	return end + len(headerEnd), nil
}

// files asks as file_client does.
type files struct{}

func (files) request(f *File) []byte {
	return fmt.Appendf(nil, "0 %s\n", f.Name)
}

func (files) header(answer []byte, f *File) (int, error) {
	line, _, whole := bytes.Cut(answer, []byte("\n"))
	if !whole {
		return 0, nil
	}
	if string(line) != f.length+" "+f.sum {
		return 0, errWrong
	}
	return len(line) + len("\n"), nil
}

// newCrowd returns a crowd without clients, for the server at a port of
// 127.0.0.1.
func newCrowd(port int, p protocol, f *File) (*crowd, error) {
	selector, err := selectors.Default()
	if err != nil {
		return nil, err
	}
	c := &crowd{
		server: unix.SockaddrInet4{
			Port: port, Addr: [4]byte{127, 0, 0, 1}},
		protocol: p,
		file:     f,
		question: p.request(f),
		lowWater: 1 << 20,
		selector: selector,
		buffer:   make([]byte, 8<<20),
		now:      time.Now(),
	}
	if f.text != nil {
		c.lowWater = 16 << 10 // more than the answer
	}
	return c, nil
}

// close closes all connections.
func (c *crowd) close() {
	for _, k := range c.clients {
		if k.key != nil {
			k.sock.Close()
		}
	}
	c.selector.Close()
}

// reset sets all counts to zero.
func (c *crowd) reset() { c.requests, c.errors, c.bytes = 0, 0, 0 }

// converse makes n clients ask until end. Their connections stay open.
func (c *crowd) converse(n int, end time.Time) error {
	c.come(n)
	for c.now.Before(end) {
		if err := c.step(end, true); err != nil {
			return err
		}
	}
	return nil
}

// fetch makes a single client ask for the file count times. An answer that is
// not the file is an error, and so is one that takes longer than patience.
func (c *crowd) fetch(count int) error {
	for range count {
		c.come(1)
		deadline := c.now.Add(patience)
		for had := c.requests; c.requests == had; {
			if err := c.step(deadline, false); err != nil {
				return err
			}
			if c.errors > 0 {
				return errWrong
			}
			if c.requests == had && !c.now.Before(deadline) {
				return fmt.Errorf("%d of %s bytes came in %v",
					c.clients[0].got, c.file.length, patience)
			}
		}
	}
	return nil
}

// come connects clients until there are n.
func (c *crowd) come(n int) {
	c.now = time.Now()
	for len(c.clients) < n {
		c.clients = append(c.clients, &client{})
	}
	for _, k := range c.clients {
		if k.key == nil {
			c.connect(k)
		}
	}
}

// step waits until something happens or the time is end, and lets clients
// react. With again, a client whose answer is complete asks again.
func (c *crowd) step(end time.Time, again bool) error {
	if err := c.selector.Select(max(0, time.Until(end))); err != nil {
		return err
	}
	c.now = time.Now()
	for key, _ := c.selector.Next(); key != nil; key, _ = c.selector.Next() {
		k := key.Data.(*client)
		var err error
		if k.asked {
			err = c.receive(k)
		} else {
			err = c.connected(k)
		}
		if err == nil {
			continue
		}
		if err == io.EOF && k.body && k.got == c.file.Size {
			c.requests++
		} else {
			c.errors++
		}
		c.selector.Forget(k.key)
		k.sock.Close()
		if k.key = nil; again {
			c.connect(k)
		}
	}
	return nil
}

// connect begins a connection, and asks at once if that is possible. On
// loopback it is, unless the server's queue is full.
func (c *crowd) connect(k *client) {
	fd, err := unix.Socket(unix.AF_INET,
		unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.errors++
		return
	}
	*k = client{sock: socket.Socket(fd), header: k.header[:0]}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVLOWAT, c.lowWater)
	if err = unix.Connect(fd, &c.server); err == unix.EINPROGRESS {
		err = nil
	}
	events := selectors.EventRead
	if err == nil {
		switch err = c.ask(k); err {
		case nil:
		case unix.EAGAIN:
			events, err = selectors.EventWrite, nil
		}
	}
	if err == nil {
		k.key, err = c.selector.Register(fd, events, k)
	}
	if err != nil {
		c.errors++
		k.sock.Close()
	}
}

// connected asks, on a connection that was not established at once.
func (c *crowd) connected(k *client) error {
	if err := c.selector.Modify(k.key, selectors.EventRead); err != nil {
		return err
	}
	return c.ask(k)
}

func (c *crowd) ask(k *client) error {
	n, err := k.sock.Send(c.question)
	if err == nil && n < len(c.question) {
		err = io.ErrShortWrite
	}
	k.asked = err == nil
	return err
}

// receive receives what has arrived. The error is io.EOF if the server has
// closed.
func (c *crowd) receive(k *client) error {
	for {
		var n int
		var err error
		if drop := k.body && c.file.text == nil; drop {
			n, _, err = unix.Recvfrom(int(k.sock), c.buffer, unix.MSG_TRUNC)
			if n == 0 && err == nil {
				err = io.EOF
			}
		} else {
			n, err = k.sock.Recv(c.buffer[:64<<10])
		}
		if err == unix.EAGAIN || err == unix.EINTR {
			return nil
		}
		if err == nil {
			err = c.take(k, c.buffer[:n])
		}
		if err != nil {
			return err
		}
	}
}

// take takes the next bytes of an answer.
func (c *crowd) take(k *client, data []byte) error {
	if !k.body {
		if len(k.header) > 0 {
			k.header = append(k.header, data...)
			data = k.header
		}
		n, err := c.protocol.header(data, c.file)
		if err != nil {
			return err
		}
		if n == 0 {
			if len(k.header) == 0 {
				k.header = append(k.header, data...)
			}
			return nil
		}
		k.body = true
		data = data[n:]
	}
	rest := c.file.Size - k.got
	if int64(len(data)) > rest {
		return errWrong
	}
	if c.file.text != nil &&
		!bytes.HasPrefix(c.file.text[k.got:], data) {
		return errWrong
	}
	k.got += int64(len(data))
	c.bytes += int64(len(data))
	return nil
}
