package socket

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"fopnp/internal/serve/program"
)

// A Conversation is a connection whose other end has only so much time, and is
// not waited for any longer when the program is asked to stop.
type Conversation struct {
	net.Conn
	timeout time.Duration
	forget  []func() bool // have it not care whether the program stops
}

// Converse begins a conversation over conn. Whoever is at the other end has the
// time timeout, or for ever if that is 0, from each StartClock on.
func Converse(conn net.Conn, timeout time.Duration) *Conversation {
	c := &Conversation{Conn: conn, timeout: timeout}
	c.forget = []func() bool{
		context.AfterFunc(program.Stopping(), c.stop),
		context.AfterFunc(program.Hurrying(), c.stop),
	}
	c.StartClock()
	return c
}

// StartClock gives the other end its time anew: to take what we send, and to
// send what we wait for. When it is over, Read and Write fail with
// os.ErrDeadlineExceeded, or with ErrStopped if the program stops.
func (c *Conversation) StartClock() {
	if c.timeout > 0 {
		c.SetDeadline(time.Now().Add(c.timeout))
	}
	c.stop() // if we were told so meanwhile
}

// stop ends a Read at once if the program stops, and a Write a moment after the
// program's time is over.
func (c *Conversation) stop() {
	now := time.Now()
	if program.Stopping().Err() != nil {
		c.SetReadDeadline(now)
	}
	if program.Hurrying().Err() != nil {
		c.SetWriteDeadline(now.Add(200 * time.Millisecond))
	}
}

func (c *Conversation) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	return n, stopped(err)
}

func (c *Conversation) Write(data []byte) (int, error) {
	n, err := c.Conn.Write(data)
	return n, stopped(err)
}

// stopped is err, or ErrStopped if the time was over because the program stops.
func stopped(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && program.Stopping().Err() != nil {
		return ErrStopped
	}
	return err
}

// SendAll sends all of data, for which it starts the clock. The error names what
// could not be sent.
func (c *Conversation) SendAll(data []byte) error {
	c.StartClock()
	if n, err := c.Write(data); err != nil {
		return Unsent(data[n:], err)
	}
	return nil
}

// Close ends the conversation.
func (c *Conversation) Close() error {
	for _, forget := range c.forget {
		forget()
	}
	return c.Conn.Close()
}
