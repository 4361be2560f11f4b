package socket

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"fopnp/internal/program"
)

// ErrStopped is the error of a conversation that ends because the program was
// told to stop.
var ErrStopped = errors.New("server stopped")

// A Conversation is a connection whose other end has only so much time, and
// which ends when the program is told to stop.
type Conversation struct {
	net.Conn
	timeout time.Duration
	forget  [2]func() bool // has it not end when the program stops, and hurries
}

// NewConversation begins a conversation over conn. Its other end has the time
// timeout, which begins now and again with every Restart, or for ever if that
// is 0; then Read and Write fail with os.ErrDeadlineExceeded, "timed out".
//
// When the program is told to stop, Read fails with ErrStopped. So does Write,
// but not before program.Hurrying: what is being sent may still go out.
func NewConversation(conn net.Conn, timeout time.Duration) *Conversation {
	c := &Conversation{Conn: conn, timeout: timeout}
	c.forget = [2]func() bool{
		context.AfterFunc(program.Stopping(), c.stop),
		context.AfterFunc(program.Hurrying(), c.stop),
	}
	c.Restart()
	return c
}

// Restart gives the other end its time anew, to take what is sent to it and to
// send more.
func (c *Conversation) Restart() {
	if c.timeout > 0 {
		c.SetDeadline(time.Now().Add(c.timeout))
		c.stop() // if it was told to meanwhile
	}
}

func (c *Conversation) stop() {
	now := time.Now()
	if program.Stopping().Err() != nil {
		c.SetReadDeadline(now)
	}
	if program.Hurrying().Err() != nil {
		c.SetWriteDeadline(now)
	}
}

func (c *Conversation) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, why(err)
}

func (c *Conversation) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, why(err)
}

func why(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && program.Stopping().Err() != nil {
		return ErrStopped
	}
	return err
}

// Close closes the connection.
func (c *Conversation) Close() error {
	for _, forget := range c.forget {
		forget()
	}
	return c.Conn.Close()
}
