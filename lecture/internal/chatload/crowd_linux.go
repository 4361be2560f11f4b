package chatload

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/child"
	"fopnp/lecture"
)

// A crowd is the clients of one chat in one thread, so they disturb what they
// measure as little as possible. One epoll waits for all of them.
//
// All clients of a chat hear the same bytes. So the crowd keeps these bytes once,
// and compares what each client receives with them. When data reaches the first
// client, the crowd splits it into messages. Each must be one that a client has
// said.
type crowd struct {
	server   netip.AddrPort
	accepted func(client string) error // waits until the server has accepted it
	patience time.Duration             // limits every wait for something that must happen
	selector selectors.Selector
	clients  []*client
	named    map[string]*client // by prefix
	buffer   [128 << 10]byte

	said     []byte    // the bytes that all clients hear
	messages []message // in said
	whole    int       // bytes of said that are messages
	total    int       // bytes that have ever been in said
	length   int       // of the texts that speakers say

	talking bool // speakers go on when they have heard themselves

	// Counts since reset.
	deliveries int
	arrived    int                     // messages that all have heard
	latency    *hdrhistogram.Histogram // until the last client has heard it, in ns
}

// A client is one place in the crowd.
type client struct {
	sock    socket.Socket
	prefix  []byte // what the server writes in front of its messages
	said    []byte // its last message, as all hear it; empty if it has been heard
	count   int    // how many messages it has said
	speaks  bool
	since   time.Time // when it has said it
	at      int       // how much of crowd.said it has heard
	message int       // the next one that it will hear
}

type message struct {
	end     int // in crowd.said
	author  *client
	since   time.Time
	hearers int
}

// newCrowd returns a crowd without clients, for the server at a port of
// 127.0.0.1. accepted waits until the server has accepted a client, whose address
// it gets as Python prints it.
func newCrowd(port int, accepted func(client string) error) (*crowd, error) {
	selector, err := selectors.Default()
	return &crowd{
		accepted: accepted,
		patience: child.Patience,
		server: netip.AddrPortFrom(
			netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port)),
		selector: selector,
		named:    map[string]*client{},
		latency:  hdrhistogram.New(100, int64(time.Minute), 3),
	}, err
}

// close closes all connections.
func (c *crowd) close() {
	for _, k := range c.clients {
		k.sock.Close()
	}
	c.selector.Close()
}

// connect connects a socket to the server, with options that set sets first.
func (c *crowd) connect(set func(fd int) error) (socket.Socket, netip.AddrPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	err = set(fd)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(c.server.Port()), Addr: c.server.Addr().As4()})
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	var name unix.Sockaddr
	if err == nil {
		name, err = unix.Getsockname(fd)
	}
	if err != nil {
		unix.Close(fd)
		return 0, netip.AddrPort{}, err
	}
	address := name.(*unix.SockaddrInet4)
	return socket.Socket(fd), netip.AddrPortFrom(netip.AddrFrom4(address.Addr), uint16(address.Port)), nil
}

// gather adds clients until there are n, and waits until the server has accepted
// them. The listener's queue is short, so they come a few at a time. The last
// one says a message that all hear.
func (c *crowd) gather(n int) error {
	const atOnce = 64
	for len(c.clients) < n {
		sock, address, err := c.connect(func(fd int) error {
			return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		})
		if err != nil {
			return err
		}
		name := pyfmt.AddrPort(address)
		k := &client{sock: sock, prefix: []byte(name + ": ")}
		c.clients = append(c.clients, k)
		c.named[string(k.prefix)] = k
		if _, err := c.selector.Register(sock.Fileno(), selectors.EventRead, k); err != nil {
			return err
		}
		if len(c.clients)%atOnce == 0 || len(c.clients) == n {
			if err := c.accepted(name); err != nil {
				return err
			}
		}
	}
	c.forget()
	return c.talk(c.clients[n-1:], 24, func() bool { return true })
}

// A stuck client is connected to the server and never reads.
type stuck struct {
	sock    socket.Socket
	address netip.AddrPort
	before  int // crowd.total when it came
}

// fill is how many bytes wait in the server for a stuck client at first, and least
// how many at any time, because the kernel may find room for a part. most is how
// many bytes may wait before the server could throw the client out.
const fill, least, most = 128 << 10, 64 << 10, lecture.MaxWaiting * 3 / 4

// stick adds a client that never reads. The first client of the crowd, which
// must be the only one, speaks until so much waits for that client.
func (c *crowd) stick() (*stuck, error) {
	sock, address, err := c.connect(func(fd int) error {
		// With loopback's large segments, the buffers would be large.
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10),
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, 536))
	})
	if err != nil {
		return nil, err
	}
	s := &stuck{sock, address, c.total}
	err = c.accepted(pyfmt.AddrPort(address))
	for err == nil && s.waits(c, fill) != nil {
		c.forget()
		err = c.talk(c.clients[:1], 4000, func() bool { return true })
		if c.total-s.before > 64<<20 {
			err = s.waits(c, fill)
		}
	}
	if err != nil {
		sock.Close()
	}
	return s, err
}

// waits returns an error unless at least this many bytes wait in the server for
// the client.
func (s *stuck) waits(c *crowd, least int) error {
	waits, err := kernel.Waiting(c.server, s.address, c.total-s.before)
	if err == nil && waits < least {
		err = fmt.Errorf("only %d bytes wait for the client that never reads", waits)
	}
	return err
}

// forget sets all counts to zero. Everything that was said must have been heard.
func (c *crowd) forget() {
	c.said, c.messages, c.whole = c.said[:0], c.messages[:0], 0
	for _, k := range c.clients {
		k.at, k.message = 0, 0
	}
	c.reset()
}

func (c *crowd) reset() {
	c.deliveries, c.arrived = 0, 0
	c.latency.Reset()
}

// talk lets clients speak until done, and then waits until all have heard
// everything. Texts have the given length.
func (c *crowd) talk(speakers []*client, length int, done func() bool) error {
	if err := c.begin(speakers, length); err != nil {
		return err
	}
	if err := c.goOn(done); err != nil {
		return err
	}
	return c.end()
}

// begin lets clients speak.
func (c *crowd) begin(speakers []*client, length int) error {
	c.talking, c.length = true, length
	for _, k := range speakers {
		k.speaks = true
		if err := c.speak(k); err != nil {
			return err
		}
	}
	return nil
}

// goOn lets the crowd run until done.
func (c *crowd) goOn(done func() bool) error {
	for deadline := time.Now().Add(c.patience); !done(); {
		if err := c.step(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("only %d messages have come to all clients in %v", c.arrived, c.patience)
		}
	}
	return nil
}

// end lets the speakers fall silent.
func (c *crowd) end() error {
	c.talking = false
	err := c.goOn(func() bool {
		for _, k := range c.clients {
			if len(k.said) > 0 || k.at < len(c.said) {
				return false
			}
		}
		return true
	})
	for _, k := range c.clients {
		k.speaks = false
	}
	return err
}

// speak lets a client say its next message.
func (c *crowd) speak(k *client) error {
	k.count++
	k.said = append(k.said[:0], k.prefix...)
	k.said = strconv.AppendInt(k.said, int64(k.count), 10)
	for len(k.said) < len(k.prefix)+c.length {
		k.said = append(k.said, '.')
	}
	k.said = append(k.said, 0)
	k.since = time.Now()
	sent := k.said[len(k.prefix):]
	if n, err := k.sock.Send(sent); err != nil || n < len(sent) {
		return fmt.Errorf("sent %d of %d bytes: %v", n, len(sent), err)
	}
	return nil
}

// step waits until data has arrived, and lets the clients receive it.
func (c *crowd) step() error {
	if err := c.selector.Select(10 * time.Millisecond); err != nil {
		return err
	}
	for key, _ := c.selector.Next(); key != nil; key, _ = c.selector.Next() {
		if err := c.hear(key.Data.(*client)); err != nil {
			return err
		}
	}
	return nil
}

// hear lets a client receive what has come.
func (c *crowd) hear(k *client) error {
	n, err := k.sock.Recv(c.buffer[:])
	if err == socket.ErrWouldBlock {
		return nil
	} else if err != nil {
		return fmt.Errorf("a client that reads was disconnected: %w", err)
	}
	data := c.buffer[:n]
	known := c.said[k.at:]
	known = known[:min(len(known), n)]
	if !bytes.Equal(known, data[:len(known)]) {
		return fmt.Errorf("one client heard %.200q, another %.200q", data, known)
	}
	if err := c.learn(data[len(known):]); err != nil {
		return err
	}
	k.at += n
	for k.message < len(c.messages) && c.messages[k.message].end <= k.at {
		m := &c.messages[k.message]
		k.message++
		c.deliveries++
		if m.hearers++; m.hearers == len(c.clients) {
			c.arrived++
			c.latency.RecordValue(int64(time.Since(m.since)))
		}
		if m.author == k && c.talking && k.speaks {
			if err := c.speak(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// learn adds to said the data that one client has received before all others.
func (c *crowd) learn(data []byte) error {
	c.said = append(c.said, data...)
	c.total += len(data)
	for {
		n := bytes.IndexByte(c.said[c.whole:], 0) + 1
		if n == 0 {
			return nil
		}
		text := c.said[c.whole:][:n]
		author := c.authorOf(text)
		if author == nil {
			return fmt.Errorf("no client has said %.200q", text)
		}
		c.whole += n
		c.messages = append(c.messages, message{end: c.whole, author: author, since: author.since})
		author.said = author.said[:0]
	}
}

// authorOf returns the client that has just said a message, or nil.
func (c *crowd) authorOf(text []byte) *client {
	n := bytes.Index(text, nameEnd)
	if n < 0 {
		return nil
	}
	k := c.named[string(text[:n+len(nameEnd)])]
	if k == nil || !bytes.Equal(k.said, text) {
		return nil
	}
	return k
}

var nameEnd = []byte("): ")

// segments returns how many segments with data all clients have received.
func (c *crowd) segments() (n int, err error) {
	for _, k := range c.clients {
		info, err := unix.GetsockoptTCPInfo(k.sock.Fileno(), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return 0, err
		}
		n += int(info.Data_segs_in)
	}
	return n, nil
}
