package lecture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
)

// MaxWaiting is the most bytes that may wait for one client of a chat. A server
// throws out a client for which more wait, because memory is finite.
const MaxWaiting = 1 << 20

// ErrDoesNotRead is the error of a client for which more than MaxWaiting bytes
// wait.
var ErrDoesNotRead = errors.New("does not read, and a megabyte waits for it")

// A ChatClient is a client's connection to a chat. One goroutine may receive
// while another one sends.
type ChatClient struct {
	*socket.Conversation
	timeout  time.Duration
	end      byte
	messages *bufio.Reader
	tookNone atomic.Bool // the server did not take a message in time
	leaving  atomic.Bool
	left     chan struct{} // closed when Leave is done
}

// JoinChat takes part in the chat at the other end of s, whose messages end
// with the byte end. The server may be silent for as long as it likes, but must
// take each message within timeout. 0 is no limit.
func JoinChat(s *socket.Conversation, timeout time.Duration, end byte) *ChatClient {
	s.SetTimeout(0)
	return &ChatClient{Conversation: s, timeout: timeout, end: end,
		messages: bufio.NewReaderSize(s, LongestHeard), left: make(chan struct{})}
}

// LongestHeard is the most bytes that a message of a server may have, with its
// end: a client's message, and the longest name before it.
const LongestHeard = framing.MaxMessage + 128

// Receive returns the next message with its end. It is valid until the next
// call. The last message may lack its end. After that, the error is io.EOF if
// the server is gone, in whatever way, or if Leave is done. Another error says
// why the client cannot go on.
func (c *ChatClient) Receive() ([]byte, error) {
	message, err := c.messages.ReadSlice(c.end)
	switch {
	case c.leaving.Load():
		<-c.left // or the program may end too soon
	case err == bufio.ErrBufferFull:
		return nil, framing.TooLong(message, c.end, LongestHeard)
	case len(message) > 0:
		return message, nil
	}
	return nil, c.ended()
}

// ended is the error of a connection that has ended.
func (c *ChatClient) ended() error {
	what := "message"
	if c.end == '\n' {
		what = "line"
	}
	if c.tookNone.Load() {
		return fmt.Errorf("the server took no %s in %v", what, c.timeout)
	}
	return io.EOF
}

// Send sends a message. If the server does not take it, Send closes the
// connection, and Receive says why.
func (c *ChatClient) Send(message string) {
	if c.timeout > 0 {
		c.SetWriteDeadline(time.Now().Add(c.timeout))
	}
	_, err := c.Write(append([]byte(message), c.end))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.tookNone.Store(true)
	}
	if err != nil {
		c.Close()
	}
}

// Leave ends the conversation. What was sent arrives, even if the server sends
// on and on: see socket.Conversation.Finish. The error says that the server did
// not take everything in time, and so does that of Receive. Leave may be called
// once.
func (c *ChatClient) Leave() error {
	c.leaving.Store(true)
	if err := c.Finish(c.timeout); errors.Is(err, os.ErrDeadlineExceeded) {
		c.tookNone.Store(true)
	}
	close(c.left)
	if err := c.ended(); err != io.EOF {
		return err
	}
	return nil
}
