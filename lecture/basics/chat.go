package basics

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/lecture"
)

// A Chat is a client's connection to the chat. Its messages are lines.
type Chat struct {
	*lecture.ChatClient
	received chan string
	err      error // why no more lines come; valid once received is closed
}

// Join takes part in the chat at the other end of s. The server may be silent
// for as long as it likes, but must take each line within timeout. 0 is no
// limit.
func Join(s *socket.Conversation, timeout time.Duration) *Chat {
	c := &Chat{lecture.JoinChat(s, timeout, '\n'), make(chan string), nil}
	go c.receive()
	return c
}

func (c *Chat) receive() {
	defer close(c.received)
	for {
		line, err := c.Receive()
		if err == io.EOF {
			return // the server is gone
		} else if err != nil {
			c.err = err
			return
		}
		c.received <- shown(line)
	}
}

// shown returns a line as the client prints it. The "\r" in front of a message
// is real, and moves the cursor to where the prompt begins. The rest is
// escaped, even a "\r" at the end, because a message may have any bytes.
func shown(line []byte) string {
	rest, isMessage := bytes.CutPrefix(line, []byte("\r"))
	text := pyfmt.Bare(bytes.TrimSuffix(rest, []byte("\n"))) + "\n"
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
func (c *Chat) Err() error { return c.err }

// Send sends a message. If the message has more than 4096 bytes, Send returns
// an error and sends nothing, because the server would hang up. If the server
// does not take the message, Send closes the connection.
func (c *Chat) Send(message string) error {
	if len(message) > framing.MaxMessage {
		return fmt.Errorf("a line of %d bytes is too long (at most %d)",
			len(message), framing.MaxMessage)
	}
	c.ChatClient.Send(message)
	return nil
}
