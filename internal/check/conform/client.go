package conform

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Client is one of the clients that a check plays. No call waits longer than
// the server's Patience.
type Client struct {
	*Trial
	Began    time.Time // when it began to connect, if the check knows
	conn     *net.TCPConn
	received *bufio.Reader
	addr     string       // as the server prints it
	sent     atomic.Int64 // bytes

	isOver bool   // the check has said how its conversation ended
	ending string // the server's line about that, or ""
}

func newClient(t *Trial, conn *net.TCPConn) *Client {
	return &Client{Trial: t, conn: conn, received: bufio.NewReaderSize(conn, 512)}
}

// Send sends text in one write.
func (c *Client) Send(text string) {
	if c.Failed() {
		return
	}
	if _, err := c.trySend(text); err != nil {
		c.Failf("%s sends %q: %w", c.addr, short(text), err)
	}
}

// trySend is Send for a client whose connection the server may close. It
// fails the trial only if the server neither reads nor closes.
func (c *Client) trySend(text string) (int, error) {
	n, err := c.sendFor(c.wait(), text)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.Failf("%s could not send %q: the server neither reads nor closes", c.addr, short(text))
	}
	return n, err
}

// SendUntilCut sends text over and over until the server closes the connection.
// It fails the trial if the server takes a gigabyte, or too much memory.
func (c *Client) SendUntilCut(text string) {
	const most = 1 << 30
	for sent := 0; !c.Failed(); {
		n, err := c.trySend(text)
		if err != nil {
			return
		}
		if sent += n; sent >= most {
			c.Failf("it took %d bytes", sent)
		}
		c.MemoryBounded()
	}
}

func (c *Client) sendFor(d time.Duration, text string) (int, error) {
	c.conn.SetWriteDeadline(time.Now().Add(d))
	n, err := io.WriteString(c.conn, text)
	c.sent.Add(int64(n))
	return n, err
}

// Addr returns the client's address.
func (c *Client) Addr() netip.AddrPort {
	address, ok := c.conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{} // the trial has failed
	}
	ip := address.AddrPort()
	return netip.AddrPortFrom(ip.Addr().Unmap(), ip.Port())
}

// Widen gives a client with small buffers a large one to receive with.
func (c *Client) Widen() {
	if !c.Failed() {
		c.conn.SetReadBuffer(1 << 20)
	}
}

// WidenToSend gives a client a large buffer to send with, so the system takes all
// of a long text at once. However little CPU time the client then gets, the text
// arrives during the second for which the server reads on.
func (c *Client) WidenToSend() {
	if !c.Failed() {
		c.conn.SetWriteBuffer(1 << 20)
	}
}

// ReceiveMessage receives a message with its end mark. If none comes, it fails
// the trial and returns "".
func (c *Client) ReceiveMessage(end byte) string {
	if c.Failed() {
		return ""
	}
	c.conn.SetReadDeadline(time.Now().Add(c.wait()))
	message, err := c.received.ReadString(end)
	if err != nil {
		c.Failf("%s received %q (%v), want a message", c.addr, short(message), err)
		return ""
	}
	return message
}

// TrySend is Send for a client whose connection the server may close. It
// reports whether everything was sent.
func (c *Client) TrySend(text string) bool {
	_, err := c.trySend(text)
	return err == nil
}

// Receive fills buffer.
func (c *Client) Receive(buffer []byte) (int, error) {
	c.conn.SetReadDeadline(time.Now().Add(c.wait()))
	return io.ReadFull(c.received, buffer)
}

// Read receives some of the bytes that come next, so a check that reads much
// needs no buffer for all of them.
func (c *Client) Read(buffer []byte) (int, error) {
	if c.Failed() {
		return 0, io.EOF
	}
	c.conn.SetReadDeadline(time.Now().Add(c.wait()))
	return c.received.Read(buffer)
}

// Expect receives text. It fails the trial if anything else comes.
func (c *Client) Expect(text string) {
	if c.Failed() {
		return
	}
	got := make([]byte, len(text))
	n, err := c.Receive(got)
	if err != nil || string(got) != text {
		c.Failf("%s received %q (%v), want %q", c.addr, short(string(got[:n])), err, short(text))
	}
}

// ExpectEnd waits until the server closes its side. It fails the trial if
// anything else comes first, or a reset.
func (c *Client) ExpectEnd() {
	if rest, err := c.Rest(); rest != "" || err != nil {
		c.Failf("%s received %q (%v), want the end", c.addr, short(rest), err)
	}
}

// ExpectCut is ExpectEnd for a client that may still be sending when the server
// closes, so it may receive a reset.
func (c *Client) ExpectCut() {
	rest, err := c.Rest()
	if rest != "" || errors.Is(err, os.ErrDeadlineExceeded) {
		c.Failf("%s received %q (%v), want the end", c.addr, short(rest), err)
	}
}

// Rest receives until the server closes its side.
func (c *Client) Rest() (string, error) {
	if c.Failed() {
		return "", nil
	}
	c.conn.SetReadDeadline(time.Now().Add(c.wait()))
	rest, err := io.ReadAll(c.received)
	return string(rest), err
}

// Exchange sends one request and receives its answer.
func (c *Client) Exchange() {
	c.Send(c.Ask)
	c.Hear(c)
}

// tryHear is Hear for a client whose connection the server may close.
func (c *Client) tryHear() error {
	attempt := &Trial{Server: c.Server}
	c.Hear(&Client{Trial: attempt, Began: c.Began, conn: c.conn, received: c.received, addr: c.addr})
	return attempt.err
}

// asks sends n requests, and the text then after them, in one write. It
// receives the n answers.
func (c *Client) asks(n int, then string) {
	c.Send(strings.Repeat(c.Ask, n) + then)
	for range n {
		c.Hear(c)
	}
}

// Close closes the connection.
func (c *Client) Close() {
	if !c.Failed() {
		c.conn.Close()
	}
}

// CloseWrite half-closes the connection: the client sends no more.
func (c *Client) CloseWrite() {
	if !c.Failed() {
		c.conn.CloseWrite()
	}
}

// Reset resets the connection, as a crash would.
func (c *Client) Reset() {
	if !c.Failed() {
		c.conn.SetLinger(0)
		c.conn.Close()
	}
}

// Leave ends the conversation as a well-behaved client does.
func (c *Client) Leave() {
	c.leaveUnseen()
	c.ExpectEnding(c.Closed)
}

// leaveUnseen is Leave, but does not check what the server prints.
func (c *Client) leaveUnseen() {
	if c.Goodbye != "" {
		c.Send(c.Goodbye)
	}
	if c.Goodbye != "" || c.Once {
		c.ExpectEnd()
	}
	c.Close()
}

// visit has a whole conversation: a client connects, asks once and leaves.
func (t *Trial) visit() {
	c := t.Connect()
	c.Exchange()
	c.Leave()
}

// flood sends a request over and over, and receives nothing, until the server is
// stuck. That happens sooner or later, however large the buffers are. Before
// each write, flood waits until the server has read the one before, so little is
// unread at the end. It returns how many requests it has begun to send, and the
// part of the last ones that it could not send.
func (c *Client) flood(request string) (n int, rest string) {
	perWrite := max(1, 16<<10/len(request))
	batch := strings.Repeat(request, perWrite)
	for giveUp := time.Now().Add(c.wait()); !c.Failed(); {
		if time.Now().After(giveUp) {
			c.Failf("%s sent %d requests and received nothing, and the server is not stuck", c.addr, n)
		}
		if rest == "" {
			n, rest = n+perWrite, batch
		}
		sent, err := c.sendFor(20*time.Millisecond, rest)
		rest = rest[sent:]
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.Failf("%s sends requests and receives nothing: %w", c.addr, err)
		}
		if c.getsStuck(err != nil) {
			return n, rest
		}
	}
	return n, rest
}

// readLate asks until the answers fill all buffers, and only then receives
// them. If stopAsking is true, it half-closes the connection after the last
// request, while it receives.
func (c *Client) readLate(stopAsking bool) {
	exchange := c.longAnswers()
	n, rest := c.flood(exchange.Ask)
	c.Widen() // from here on, receive fast
	var sending sync.WaitGroup
	sending.Go(func() {
		if stopAsking {
			c.Send(rest + c.Goodbye)
			c.CloseWrite()
		} else {
			c.Send(rest)
		}
	})
	for range n {
		exchange.Hear(c)
	}
	sending.Wait()
}

// short returns the beginning of a long text.
func short(text string) string {
	if len(text) > 200 {
		return text[:200] + "..."
	}
	return text
}
