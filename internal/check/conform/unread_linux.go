package conform

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
)

// Unread are checks of what happens to input when a connection ends. If a server
// closes a connection with unread input, the kernel resets it, and the client
// loses what it has not received yet, unless the server first shuts down its
// side and reads for a while. If the client resets the connection, the server
// names the input that it has read and not answered. Unread is part of Checks.
var Unread = []Check{
	Shared("unread input", Beside(unreadInput)),
	Shared("reset/unanswered", resetUnanswered),
	{Name: "stop/unread input", Run: stopUnread},
}

// A client asks 3000 times in one write and goes on with a request that is too
// long. It receives nothing until the server has closed the connection, or
// cannot go on. Then all answers must come, followed by the end, and no reset.
//
// The server reads on for a second. A client without CPU time may need longer
// than that to send. So the kernel has all of the client's bytes before that
// second begins.
func unreadInput(t *Trial) {
	if t.Once {
		t.unreadAfterAnswer()
		return
	}
	const n = 3000
	c := t.ConnectNarrow()
	var sending sync.WaitGroup
	var sendErr error // also a failure, but what the client receives tells more
	sending.Go(func() {
		_, sendErr = c.trySend(strings.Repeat(c.Ask, n) + tooMuch)
	})
	var p progress
	t.Until("the server closes the connection, or is stuck", func() bool {
		isStuck, _ := p.see(c)
		return isStuck || c.serverSide().Closed
	})
	c.WidenToSend()
	sending.Wait()
	c.Widen() // from here on, receive fast
	for i := range n {
		if err := c.tryHear(); err != nil {
			c.Failf("%d of %d answers came, and then: %w", i, n, err)
		}
	}
	c.ExpectEnd()
	if sendErr != nil {
		c.Fail(sendErr)
	}
	c.ExpectNoReset()
	c.ExpectEnding(c.Error)
}

// unreadAfterAnswer is for a server that answers a client once. The client has
// sent everything before the server accepts.
func (t *Trial) unreadAfterAnswer() {
	resume := t.suspend()
	c := t.Connect()
	c.Send(strings.Repeat(c.Ask, 1000) + tooMuch)
	c.AwaitArrival()
	resume()
	c.Hear(c)
	c.ExpectEnd()
	c.ExpectNoReset()
	c.ExpectEnding(c.Closed)
}

// A client crashes after it has sent a request and the beginning of another. The
// server reads both when the connection is broken already, so it can send no
// answer. Its line must name both: the answer that it did not send, and the part
// that it received.
func resetUnanswered(t *Trial) {
	c := t.Connect()
	c.Exchange() // now there is a process that serves it
	c.ResetUnread(c.Ask + c.Unfinished)
	if line := c.ExpectNaming(c.unfinished()); !t.Failed() && !strings.Contains(line, " before we sent ") {
		t.Failf("it printed %q, which does not name what was not sent", line)
	}
}

// ResetUnread sends text and resets the connection. The server reads the text
// only after the reset.
func (c *Client) ResetUnread(text string) {
	resume := c.suspend()
	c.Send(text)
	c.AwaitArrival()
	c.Reset()
	c.Until("the reset has come", func() bool { return c.serverSide().Closed })
	resume()
}

// tooMuch is too long for a request.
var tooMuch = strings.Repeat("x", 20_000)

// ExpectNoReset fails the trial if a reset came after the end, where reading does
// not find it.
func (c *Client) ExpectNoReset() {
	if c.Failed() {
		return
	}
	raw, err := c.conn.SyscallConn()
	if err != nil {
		c.Fail(err)
		return
	}
	raw.Control(func(fd uintptr) {
		errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil || errno != 0 {
			c.Failf("%s was reset after the end: %w", c.addr, errors.Join(err, unix.Errno(errno)))
		}
	})
}

// A signal tells a server to stop while it is stuck: it cannot send its answers
// to a client, and has not read all that the client sent, which ends with half
// a request. The answers that it could send must come, followed by the end, and
// no reset.
//
// A server that gets no CPU time may have to exit before it has read the rest, so
// the check gives it three tries.
func stopUnread(s Server) (err error) {
	for range 3 {
		err = serving((*Trial).stopUnread)(s)
		if err == nil || errors.Is(err, ErrSkipped) {
			return err
		}
	}
	return err
}

func (t *Trial) stopUnread() {
	c := t.ConnectNarrow()
	if c.Once {
		c.leaveUnread()
	} else {
		_, rest := c.flood(c.longAnswers().Ask)
		c.sendFor(20*time.Millisecond, rest+c.Unfinished)
		t.Signal(syscall.SIGTERM)
	}
	t.ExpectExit(0)
	if _, err := c.Rest(); err != nil {
		c.Failf("%s received no end: %w", c.addr, err)
	}
	c.ExpectNoReset()
}

// leaveUnread is for a server that gives one answer. It tells the server to
// stop when the server has accepted c and has read none of c's thousand
// requests, nor the half one after them. The server may answer or not.
func (c *Client) leaveUnread() {
	c.Until("the server accepts", func() bool { return c.serverSide().Inode != 0 })
	resume := c.suspend()
	c.Send(strings.Repeat(c.Ask, 1000) + c.Unfinished)
	c.AwaitArrival()
	c.Signal(syscall.SIGTERM)
	resume()
}

// suspend stops the server's processes until resume is called. A child that has
// just served another client may end meanwhile.
func (t *Trial) suspend() (resume func()) {
	pids := append([]int{t.process.Pid}, kernel.Children(t.process.Pid)...)
	for _, pid := range pids {
		if err := unix.Kill(pid, unix.SIGSTOP); err != nil && err != unix.ESRCH && !t.Failed() {
			t.Failf("suspend: %w", err)
		}
	}
	for _, pid := range pids {
		stopped := regexp.MustCompile(`(?m)^State:\s+[TZX]`) // or ended
		t.Until("the server is suspended", func() bool {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			return os.IsNotExist(err) || err == nil && stopped.Match(status)
		})
	}
	return func() {
		for _, pid := range pids {
			unix.Kill(pid, unix.SIGCONT)
		}
	}
}
