package tincanchat

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture/internal/crowd"
)

// A Conn is a client's connection to a chat server with two goroutines for each
// client: one receives, and the other sends. Silence is no fault. But the time
// of -t runs while half a message is there, and while the client takes nothing
// of what is sent to it.
type Conn struct {
	Addr string // as Python prints it

	leave    Leave
	sock     *socket.Conversation
	received chan struct{}         // closed when no more will be received
	timing   bool                  // there is half a message
	broken   atomic.Pointer[error] // why nothing more can be sent
	dropped  atomic.Bool

	raw     syscall.RawConn
	trySend func(fd uintptr) bool
	toSend  []byte
	sendErr error
	timed   bool         // there was no room for toSend, and the clock runs
	unsent  atomic.Int64 // its length, then
}

// NewConn returns the Conn of a client that a socket.Listener accepted.
func NewConn(sock *socket.Conversation) *Conn {
	s := &Conn{Addr: pyfmt.Addr(sock.RemoteAddr()), sock: sock,
		received: make(chan struct{})}
	sock.SetTimeout(0)
	s.trySend = s.send // once, because it allocates

	s.raw, _ = sock.Conn.(*net.TCPConn).SyscallConn() // which cannot fail
	return s
}

// RecvMsgs is the function RecvMsgs for a Conn. After an error, do not call it
// again. The caller may take its time with the messages, because the client's
// time runs only while RecvMsgs waits.
func (s *Conn) RecvMsgs() (msgs []string, err error) {
	for again := false; len(msgs) == 0 && err == nil; again = true {
		s.watchRest(len(s.sock.Received.Rest()) > 0, !again)
		data, ended := s.sock.Recv()
		msgs, err = ParseRecvdData(&s.sock.Received, data)
		if broken := s.broken.Load(); ended == io.EOF && broken != nil &&
			!errors.Is(*broken, syscall.EPIPE) {
			ended = *broken // which Recv does not repeat
		}
		if err == nil && ended != nil {
			err = framing.Ended(s.sock.Received.Rest(), ended)
		}
	}
	if err != nil {
		close(s.received)
	}
	return msgs, err
}

// watchRest limits the time for the rest of a message, if there is half of one.
// The time begins when RecvMsgs has returned all messages before it.
func (s *Conn) watchRest(half, first bool) {
	if half == s.timing && !(half && first) {
		return
	}
	s.timing = half
	deadline := time.Time{}
	if half && socket.DefaultTimeout() > 0 {
		deadline = time.Now().Add(socket.DefaultTimeout())
	}
	s.sock.SetReadDeadline(deadline)
	if s.dropped.Load() {
		s.sock.SetReadDeadline(past)
	}
}

var past = time.Unix(1, 0)

// Send sends data, all of it. The error is errGone if the client is gone. Then
// RecvMsgs returns what the client has said before, and why it has gone.
// Otherwise, the client did not take the data in time.
func (s *Conn) Send(data []byte) error {
	s.toSend, s.sendErr = data, nil
	err := s.raw.Write(s.trySend)
	if s.sendErr == socket.ErrUnsupported {
		err = s.sendInPieces()
	} else if s.sendErr != nil {
		err = s.sendErr
	}
	if s.timed {
		s.timed = false
		s.unsent.Store(0)
		s.sock.SetWriteDeadline(time.Time{})
	}
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		s.broken.Store(&err)
		return errGone
	case program.Hurrying().Err() != nil:
		return crowd.NotTaken(len(s.toSend), program.ErrStopped)
	}
	return crowd.NotTaken(len(s.toSend), program.ErrTimedOut)
}

var errGone = errors.New("gone")

// send sends what there is room for, and reports whether that was all. It makes
// the system call itself, because that is cheaper: see package socket.
func (s *Conn) send(fd uintptr) bool {
	for took := false; ; took = true {
		n, err := socket.Socket(fd).Send(s.toSend)
		s.toSend = s.toSend[n:]
		switch {
		case len(s.toSend) == 0:
			return true
		case err == socket.ErrWouldBlock:
			s.waitForRoom(took)
			return false
		case err != nil:
			s.sendErr = err
			return true
		}
	}
}

// waitForRoom starts the clock for a client that has no room, unless the clock
// runs already and the client took nothing.
func (s *Conn) waitForRoom(took bool) {
	s.unsent.Store(int64(len(s.toSend)))
	if s.timed && !took {
		return
	}
	s.timed = true
	if socket.DefaultTimeout() > 0 {
		s.sock.SetWriteDeadline(time.Now().Add(socket.DefaultTimeout()))
	}
	if s.dropped.Load() {
		s.sock.SetWriteDeadline(past)
	}
}

// sendInPieces is for systems where we cannot make the system call ourselves.
// The client has its whole time for each piece.
func (s *Conn) sendInPieces() error {
	const piece = 16 << 10
	for len(s.toSend) > 0 {
		s.waitForRoom(true)
		n, err := s.sock.Conn.Write(s.toSend[:min(piece, len(s.toSend))])
		s.toSend = s.toSend[n:]
		if err != nil {
			return err
		}
	}
	return nil
}

// Unsent returns how many of the bytes given to Send still wait for room. Any
// goroutine may call it.
func (s *Conn) Unsent() int { return int(s.unsent.Load()) }

// Disconnect handles a client that sends no more because of why: see Leave.
// Both goroutines call it when they end, but only one at a time. The one that
// sends passes nil if it has sent everything.
func (s *Conn) Disconnect(why error) {
	stopping := program.Stopping().Err() != nil
	switch {
	case why == io.EOF && stopping:
		return // not before everything is sent
	case (why == nil || why == errGone) && stopping:
		why = io.EOF
	case why == nil || why == errGone:
		return // the other goroutine knows why
	}
	s.leave.Disconnect(s.Addr, why)
	if crowd.IsOurs(why) { // both goroutines have to end
		s.dropped.Store(true)
		s.sock.SetReadDeadline(past)
		s.sock.SetWriteDeadline(past)
	}
}

// Close waits until no more will be received, and closes the connection. What
// was sent arrives.
func (s *Conn) Close() {
	<-s.received
	s.sock.Close()
}
