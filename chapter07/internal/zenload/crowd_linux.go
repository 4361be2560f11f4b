package zenload

import (
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
)

// A crowd is many clients of one server in one thread, so they disturb what
// they measure as little as possible. One epoll waits for all of them, and a
// question costs the crowd two system calls and no allocation.
//
// Every client works in a closed loop: it asks, waits for the answer, checks
// it, and asks again.
type crowd struct {
	server   unix.SockaddrInet4
	selector selectors.Selector
	clients  []*client
	buffer   [4096]byte
	now      time.Time

	// Counts since reset.
	questions, conversations, errors int
	latency                          *hdrhistogram.Histogram // in ns
}

// A client is one place in the crowd. When its conversation is over, the next
// conversation begins in the same place.
type client struct {
	sock  socket.Socket
	key   *selectors.Key
	asked int       // questions answered in this conversation
	heard int       // bytes received of the answers that it waits for
	batch *batch    // what it asked last, or nil
	since time.Time // when it began to connect, or last asked
	state state
}

type state int

const (
	away       state = iota // has no connection
	connecting              // waits for its connection
	asking                  // waits for answers
	silent                  // was answered, and asks no more
)

// A batch is the questions of one write, and their answers.
type batch struct {
	depth              int
	questions, answers []byte
}

// newBatches returns three batches of depth questions. Each begins with a
// different one of the three questions.
func newBatches(depth int) (batches [3]batch) {
	questions := []string{"Beautiful is better than?", "Explicit is better than?", "Simple is better than?"}
	answers := []string{"Ugly.", "Implicit.", "Complex."}
	for first := range batches {
		batches[first].depth = depth
		for i := first; i < first+depth; i++ {
			batches[first].questions = append(batches[first].questions, questions[i%3]...)
			batches[first].answers = append(batches[first].answers, answers[i%3]...)
		}
	}
	return batches
}

// newCrowd returns a crowd without clients, for the server at a port of
// 127.0.0.1.
func newCrowd(port int) (*crowd, error) {
	selector, err := selectors.Default()
	return &crowd{
		server:   unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}},
		selector: selector,
		now:      time.Now(),
		latency:  hdrhistogram.New(100, int64(time.Minute), 3),
	}, err
}

// reset sets all counts to zero.
func (c *crowd) reset() {
	c.questions, c.conversations, c.errors = 0, 0, 0
	c.latency.Reset()
}

// served returns how many clients have been answered in their current
// conversation.
func (c *crowd) served() (n int) {
	for _, k := range c.clients {
		if k.asked > 0 {
			n++
		}
	}
	return n
}

// close closes all connections.
func (c *crowd) close() {
	for _, k := range c.clients {
		if k.state != away {
			k.sock.Close()
		}
	}
	c.selector.Close()
}

// gather adds clients until there are n. Each asks one question and then falls
// silent. The listener's queue is short, so they come a few at a time.
func (c *crowd) gather(n int, patience time.Duration) error {
	const atOnce = 16
	batches := newBatches(1)
	deadline := time.Now().Add(patience)
	for coming := 0; len(c.clients) < n || coming > 0; {
		for ; coming < atOnce && len(c.clients) < n; coming++ {
			k := &client{}
			c.clients = append(c.clients, k)
			c.connect(k)
		}
		answered, err := c.step(deadline, &batches, zenbench.Talk{Depth: 1}, true)
		if err != nil {
			return err
		}
		coming -= answered
		switch {
		case c.errors > 0:
			return fmt.Errorf("%d of %d connections broke", c.errors, len(c.clients))
		case c.now.After(deadline):
			return fmt.Errorf("only %d of %d clients were answered in %v", len(c.clients)-coming, n, patience)
		}
	}
	return nil
}

// converse makes the given number of active clients talk until end. If there
// are fewer clients, more connect. If there are more, the talking clients are
// spread evenly over all, in the order in which they came, and the other
// clients stay connected and silent.
func (c *crowd) converse(active int, talk zenbench.Talk, end time.Time) error {
	batches := newBatches(talk.Depth)
	c.now = time.Now()
	for len(c.clients) < active {
		c.clients = append(c.clients, &client{})
	}
	for i := range active {
		switch k := c.clients[i*len(c.clients)/active]; k.state {
		case away:
			c.connect(k)
		case silent:
			k.since = c.now
			c.ask(k, &batches)
		}
	}
	for c.now.Before(end) {
		if _, err := c.step(end, &batches, talk, false); err != nil {
			return err
		}
	}
	return nil
}

// step waits until something happens or the time is end, lets clients react,
// and returns how many batches were answered. With fallSilent, a client that
// was answered does not ask again.
func (c *crowd) step(end time.Time, batches *[3]batch, talk zenbench.Talk, fallSilent bool) (answered int, err error) {
	if err := c.selector.Select(max(0, time.Until(end))); err != nil {
		return 0, err
	}
	c.now = time.Now()
	for key, _ := c.selector.Next(); key != nil; key, _ = c.selector.Next() {
		k := key.Data.(*client)
		if k.state == connecting {
			c.connected(k, batches)
			continue
		}
		if !c.hear(k) {
			continue
		}
		answered++
		switch {
		case fallSilent:
			k.state = silent
		case talk.Questions > 0 && k.asked >= talk.Questions:
			c.conversations++
			c.hangUp(k)
			c.connect(k)
		default:
			k.since = c.now
			c.ask(k, batches)
		}
	}
	return answered, nil
}

// connect begins a conversation.
func (c *crowd) connect(k *client) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.errors++
		return
	}
	*k = client{sock: socket.Socket(fd), state: connecting, since: c.now}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if k.key, err = c.selector.Register(fd, selectors.EventWrite, k); err == nil {
		err = unix.Connect(fd, &c.server)
	}
	if err != nil && err != unix.EINPROGRESS {
		c.broken(k)
	}
}

// connected asks the first question.
func (c *crowd) connected(k *client, batches *[3]batch) {
	why, err := unix.GetsockoptInt(k.sock.Fileno(), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || why != 0 || c.selector.Modify(k.key, selectors.EventRead) != nil {
		c.broken(k)
		return
	}
	c.ask(k, batches)
}

// ask sends the next batch of a client.
func (c *crowd) ask(k *client, batches *[3]batch) {
	k.batch = &batches[k.asked%3]
	k.heard = 0
	k.state = asking
	if n, err := k.sock.Send(k.batch.questions); err != nil || n < len(k.batch.questions) {
		c.broken(k)
	}
}

var errWrong = errors.New("not the answer")

// hear receives what has arrived, and reports whether the answers are complete.
func (c *crowd) hear(k *client) bool {
	n, err := k.sock.Recv(c.buffer[:])
	if err == socket.ErrWouldBlock {
		return false
	}
	if err == nil && (k.state != asking || len(k.batch.answers)-k.heard < n ||
		string(k.batch.answers[k.heard:k.heard+n]) != string(c.buffer[:n])) {
		err = errWrong
	}
	if err != nil {
		c.broken(k)
		return false
	}
	if k.heard += n; k.heard < len(k.batch.answers) {
		return false
	}
	k.asked += k.batch.depth
	c.questions += k.batch.depth
	c.latency.RecordValues(int64(c.now.Sub(k.since)), int64(k.batch.depth))
	return true
}

func (c *crowd) hangUp(k *client) {
	c.selector.Unregister(k.key)
	k.sock.Close()
	k.state = away
}

// broken counts an error and closes the connection.
func (c *crowd) broken(k *client) {
	c.errors++
	c.hangUp(k)
}
