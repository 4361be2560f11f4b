package basics

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/lecture"
)

// A Chat is a client's connection to the chat. Its messages are lines.
type Chat struct {
	*socket.Conversation
	timeout  time.Duration
	received chan string
	sendErr  error
	err      error // why no more lines come; valid once received is closed
}

// Join takes part in the chat at the other end of s. The server may be silent
// for as long as it likes, but must take each line within timeout. 0 is no
// limit.
func Join(s *socket.Conversation, timeout time.Duration) *Chat {
	s.SetTimeout(0)
	c := &Chat{Conversation: s, timeout: timeout, received: make(chan string)}
	go c.receive()
	return c
}

// longestLine is the most bytes that a line from the server may have: a message
// and the longest name before it.
const longestLine = framing.MaxMessage + 128

func (c *Chat) receive() {
	defer close(c.received)
	lines := bufio.NewReaderSize(c, longestLine)
	for {
		line, err := lines.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			c.err = framing.TooLong(line, '\n', longestLine)
			return
		}
		if len(line) > 0 {
			c.received <- shown(line)
		}
		if err != nil {
			return // the server is gone, for whatever reason
		}
	}
}

// shown returns a line as the client prints it. The "\r" in front of a message
// is real, and moves the cursor to where the prompt begins. The rest is
// escaped.
func shown(line []byte) string {
	rest, isMessage := bytes.CutPrefix(line, []byte("\r"))
	text := pyfmt.Bare(lecture.Chomp(rest)) + "\n"
	if isMessage {
		return "\r" + text
	}
	return text
}

// Received returns a channel of the lines that arrive, as the client prints
// them. It is closed when the server is gone, or after an error.
func (c *Chat) Received() <-chan string { return c.received }

// Err returns the error after which the channel of Received was closed. It is
// nil if the server is gone.
func (c *Chat) Err() error { return errors.Join(c.sendErr, c.err) }

// Send sends a message. If the message has more than 4096 bytes, Send returns
// an error and sends nothing, because the server would hang up. If the server
// does not take the message, Send closes the connection.
func (c *Chat) Send(message string) error {
	if len(message) > framing.MaxMessage {
		return fmt.Errorf("a line of %d bytes is too long (at most %d)",
			len(message), framing.MaxMessage)
	}
	if c.timeout > 0 {
		c.SetWriteDeadline(time.Now().Add(c.timeout))
	}
	_, err := io.WriteString(c, message+"\n")
	if errors.Is(err, os.ErrDeadlineExceeded) && c.sendErr == nil {
		c.sendErr = c.tookNothing()
	}
	if err != nil {
		c.Close()
	}
	return nil
}

// Finish leaves the chat once the server has everything that was sent, even if
// the server sends on and on. The error says that it took nothing in time.
func (c *Chat) Finish() error {
	err := c.Conversation.Finish(c.timeout)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return c.tookNothing()
	}
	return nil
}

func (c *Chat) tookNothing() error {
	return fmt.Errorf("the server took no line in %v", c.timeout)
}
