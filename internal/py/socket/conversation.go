package socket

import (
	"errors"
	"io"
	"math"
	"net"
	"os"
	"sync/atomic"
	"time"

	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
)

// A Conversation is a connection whose peer must not keep us waiting. The peer
// has a limited time for each message (see SetTimeout), and when the program
// has to stop, nothing more is received. One goroutine may receive while
// another one sends.
type Conversation struct {
	net.Conn

	// Received holds what has been received of the next message.
	Received framing.Framer

	// Reply is room to put a message together before it is sent. It is
	// reused for every message, so that answering allocates nothing.
	Reply []byte

	buffer  [400]byte     // room for sixteen questions of the Zen
	reply   [24]byte      // Reply, at first: room for an answer
	timeout time.Duration // for a message; 0 is no limit
	until   atomic.Int64  // the peer's deadline, on the clock of conversations.now
	reading atomic.Bool   // we wait for the peer to send
	writing atomic.Bool   // we wait for the peer to receive
	lingers bool          // Close waits until the peer has received everything
	ended   atomic.Bool   // the peer sends no more

	next, previous *Conversation // in conversations
}

var defaultTimeout time.Duration

// SetDefaultTimeout sets the timeout that new conversations begin with. 0 is no
// limit, which is also the default. Call it before the first conversation.
func SetDefaultTimeout(timeout time.Duration) { defaultTimeout = timeout }

// DefaultTimeout returns the timeout that new conversations begin with.
func DefaultTimeout() time.Duration { return defaultTimeout }

// Converse begins a conversation over conn, a connection that was accepted.
func Converse(conn net.Conn) *Conversation {
	return converse(conn, defaultTimeout, true)
}

func converse(conn net.Conn, timeout time.Duration, lingers bool) *Conversation {
	c := &Conversation{Conn: conn, timeout: timeout, lingers: lingers}
	c.Reply = c.reply[:0]
	conversations.add(c)
	c.StartClock()
	return c
}

// SetTimeout sets how long the peer may take to receive what we send and to
// send what we wait for. The clock starts when the conversation begins, with
// every Write, and with StartClock. When the time is over, Recv, Read, Write
// and SendAll fail with os.ErrDeadlineExceeded, at most two seconds late, or
// half of timeout if that is less. 0 is no limit.
func (c *Conversation) SetTimeout(timeout time.Duration) {
	c.timeout = timeout
	conversations.watch(timeout)
	c.StartClock()
}

// StartClock restarts the peer's timeout, for the next message.
func (c *Conversation) StartClock() {
	if c.timeout > 0 {
		c.until.Store(conversations.now.Load() + int64(c.timeout))
	} else {
		c.until.Store(never)
	}
}

const never = math.MaxInt64 / 2

// Recv waits for bytes and returns those that have arrived, at most 400. They
// are valid until the next call. It does not start the clock, so the peer's
// time covers the whole of a message that arrives in pieces.
//
// The error is io.EOF if the peer sends no more, program.ErrStopped if the
// program has to stop, and os.ErrDeadlineExceeded if the peer's time is over.
func (c *Conversation) Recv() ([]byte, error) {
	// We do not call Read, because every call needs stack, and stacks are most
	// of what a silent client costs.
	c.reading.Store(true)
	n, err := c.Conn.Read(c.buffer[:])
	c.reading.Store(false)
	return c.buffer[:n], c.because(err)
}

// Read is Recv with a buffer of the caller's.
func (c *Conversation) Read(data []byte) (int, error) {
	c.reading.Store(true)
	n, err := c.Conn.Read(data)
	c.reading.Store(false)
	return n, c.because(err)
}

// Write starts the clock and sends data: all of it, unless there is an error.
func (c *Conversation) Write(data []byte) (int, error) {
	c.StartClock()
	c.writing.Store(true)
	n, err := c.Conn.Write(data)
	c.writing.Store(false)
	return n, c.because(err)
}

// because returns err, or program.ErrStopped if the program has to stop and err
// is not io.EOF. It also notes whether the peer sends no more.
func (c *Conversation) because(err error) error {
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		c.ended.Store(true) // the peer has closed or reset the connection
		if err != io.EOF && program.Stopping().Err() != nil {
			return program.ErrStopped
		}
	case program.Stopping().Err() != nil:
		return program.ErrStopped
	}
	return err
}

// SendAll is Write with an error that quotes what was not sent.
func (c *Conversation) SendAll(data []byte) error {
	if n, err := c.Write(data); err != nil {
		return framing.Unsent(data[n:], err)
	}
	return nil
}

// Close ends the conversation. What was sent arrives, even if the peer goes on
// sending: a connection that is closed with unread input is reset, and a reset
// destroys what the peer has not read yet. So unless the peer has closed its
// side, Close shuts down ours and reads on for a while: for a second, or less
// if the program has to stop, and for a megabyte at most. A connection made by
// Connect closes at once.
func (c *Conversation) Close() error {
	if conversations.remove(c) && c.lingers && !c.ended.Load() {
		c.linger()
	}
	return c.Conn.Close()
}

func (c *Conversation) linger() {
	if c.CloseWrite() != nil {
		return
	}
	c.Conn.SetReadDeadline(time.Now().Add(Linger()))
	unread := c.buffer[:] // most peers send nothing more
	for left := MaxLinger; left > 0; {
		n, err := c.Conn.Read(unread)
		if err != nil {
			return
		}
		if left -= n; len(unread) < 16<<10 {
			unread = make([]byte, 16<<10)
		}
	}
}

// Finish ends the conversation of a client that has said everything. What was
// sent arrives, even if the peer sends on and on: as Close does, Finish shuts
// the connection down first, and reads and discards what still arrives. Finish
// does not wait for the peer to close its side. On Linux, it returns when the
// peer's system has everything, however long that takes. Other systems cannot
// tell, so there it returns after a second at most. Another goroutine may still
// receive.
//
// The error is os.ErrDeadlineExceeded if the peer took nothing for as long as
// patience. 0 is no limit.
func (c *Conversation) Finish(patience time.Duration) error {
	var err error
	if conversations.remove(c) && !c.ended.Load() && c.CloseWrite() == nil {
		err = c.readUntilSent(patience)
	}
	return errors.Join(err, c.Conn.Close())
}

func (c *Conversation) readUntilSent(patience time.Duration) error {
	const pause = 5 * time.Millisecond
	room := make([]byte, 16<<10)
	unsent, known := unsentOf(c.Conn)
	if !known {
		patience = Linger()
	}
	for last := time.Now(); !known || unsent > 0; {
		c.Conn.SetReadDeadline(time.Now().Add(pause))
		_, err := c.Conn.Read(room)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil // the peer is gone, or it sends no more
		}
		before := unsent
		if unsent, _ = unsentOf(c.Conn); unsent < before {
			last = time.Now()
		}
		if patience > 0 && time.Since(last) > patience {
			break
		}
	}
	if unsent > 0 {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// MaxLinger is how many bytes a server reads at most from a connection that it
// has shut down, before it closes the connection.
const MaxLinger = 1 << 20

// Linger returns how long a server reads at most from a connection that it has
// shut down: a second, or less if the program has to stop.
func Linger() time.Duration {
	switch {
	case program.Hurrying().Err() != nil:
		return 100 * time.Millisecond
	case program.Stopping().Err() != nil:
		return 250 * time.Millisecond
	}
	return time.Second
}

// Release closes our descriptor of a connection that another process has, too.
// The peer notices nothing.
func (c *Conversation) Release() error {
	conversations.remove(c)
	return c.Conn.Close()
}

// SetDeadline is for handlers that set their own deadlines. It cannot give more
// time to a program that has to stop. The same is true of SetReadDeadline and
// SetWriteDeadline.
func (c *Conversation) SetDeadline(t time.Time) error {
	err := c.Conn.SetDeadline(t)
	c.stop()
	return err
}

func (c *Conversation) SetReadDeadline(t time.Time) error {
	err := c.Conn.SetReadDeadline(t)
	c.stop()
	return err
}

func (c *Conversation) SetWriteDeadline(t time.Time) error {
	err := c.Conn.SetWriteDeadline(t)
	c.stop()
	return err
}

// stop ends a Read at once if the program has to stop. It ends a Write 200 ms
// after the program's time is over, because what is being sent may still
// arrive.
func (c *Conversation) stop() {
	if program.Stopping().Err() != nil {
		c.Conn.SetReadDeadline(past)
	}
	if program.Hurrying().Err() != nil {
		c.Conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
	}
}

// CloseWrite tells the peer that no more will be sent. The error is
// errors.ErrUnsupported if the connection cannot be half-closed.
func (c *Conversation) CloseWrite() error {
	conn, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return conn.CloseWrite()
}
