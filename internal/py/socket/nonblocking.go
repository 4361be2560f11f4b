package socket

import (
	"errors"
	"net/netip"
	"os"
	"sync"
	"time"

	"fopnp/internal/serve/program"
)

// A Socket is a non-blocking socket, by its file descriptor. It is for servers
// that wait by themselves, with poll or epoll: package net knows nothing of
// it, and no call of its methods waits. What cannot be done at once fails with
// ErrWouldBlock, which is Python's BlockingIOError.
//
// There are none on Windows, where every call fails with ErrUnsupported.
type Socket int

var (
	// ErrWouldBlock: nothing has been received yet, nobody has connected,
	// or there is no room to send.
	ErrWouldBlock error = errWouldBlock

	// ErrUnsupported: the system has no sockets that can be polled.
	ErrUnsupported = errors.New("needs poll(2), which this system has not")
)

// Fileno returns the file descriptor.
func (s Socket) Fileno() int { return int(s) }

// Recv receives what has arrived into buffer, one system call. The error is
// io.EOF when the other side sends no more.
func (s Socket) Recv(buffer []byte) (int, error) { return recv(int(s), buffer) }

// Send sends as much of data as there is room for, one system call, and
// returns how much that was. A peer that is gone is an error, not a signal.
func (s Socket) Send(data []byte) (int, error) { return send(int(s), data) }

// Accept returns the next client in the queue of a listening socket, which
// gets TCP_NODELAY: an answer is one write, so there is nothing to wait for.
func (s Socket) Accept() (Socket, netip.AddrPort, error) { return accept(int(s)) }

// Shutdown shuts down our side of a connection: the peer receives end of file
// after all that was sent, and may go on sending.
func (s Socket) Shutdown() error { return shutdown(int(s)) }

// Close closes the descriptor. Its number may be given to the next client that
// is accepted, so whoever keeps a table by numbers clears its row first.
func (s Socket) Close() error { return closeSocket(int(s)) }

// Detach takes the listening socket out of package net's hands, for a server
// that accepts by itself. The Listener is closed; the Socket is not, and
// nobody closes it when the program is asked to stop: see Stopping.
func (l *Listener) Detach() (Socket, error) {
	if !l.forget() { // the program stops before it has begun
		os.Exit(0)
	}
	s, err := detach(l)
	l.Listener.Close()
	return s, err
}

// Stopping returns a descriptor that becomes readable, and stays so, when the
// program is asked to stop: the last thing to poll for. It is the same one at
// every call, and not to be closed.
func Stopping() (Socket, error) { return stopping() }

var stopping = sync.OnceValues(func() (Socket, error) {
	return stoppingPipe(program.Stopping())
})

// Tick is how often a server with a deadline of timeout for each of its
// clients looks whether any has passed. One look at all of them is cheaper
// than a timer for each. Without a deadline, which is 0, it is a second.
func Tick(timeout time.Duration) time.Duration {
	if timeout == 0 {
		return time.Second
	}
	return max(time.Millisecond, min(time.Second, timeout/4))
}
