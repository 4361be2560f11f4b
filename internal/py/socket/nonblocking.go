package socket

import (
	"errors"
	"net/netip"
	"os"
	"sync"
	"time"

	"fopnp/internal/serve/program"
)

// A Socket is the file descriptor of a non-blocking socket. It is for servers
// that wait by themselves, with poll or epoll. Package net does not know about
// it, and none of its methods waits. A call that cannot finish at once fails
// with ErrWouldBlock, which is BlockingIOError in Python.
//
// It needs a Unix system. Elsewhere every call fails with ErrUnsupported.
type Socket int

var (
	// ErrWouldBlock means that nothing has arrived, that no client is in the
	// queue, or that there is no room to send.
	ErrWouldBlock error = errWouldBlock

	// ErrUnsupported means that the system has no sockets that poll can wait
	// for.
	ErrUnsupported = errors.New("needs poll(2), which this system does not have")
)

// Fileno returns the file descriptor.
func (s Socket) Fileno() int { return int(s) }

// Recv receives what has arrived into buffer, with one system call. The error
// is io.EOF if the peer sends no more.
func (s Socket) Recv(buffer []byte) (int, error) { return recv(int(s), buffer) }

// Send sends as much of data as there is room for, with one system call, and
// returns how many bytes that was. If the peer is gone, it returns an error,
// and no SIGPIPE ends the program.
func (s Socket) Send(data []byte) (int, error) { return send(int(s), data) }

// Accept accepts the next client in the queue of a listening socket, and
// returns its address, too. The new socket has TCP_NODELAY set: an answer is
// one write, so there is nothing to wait for.
func (s Socket) Accept() (Socket, netip.AddrPort, error) { return accept(int(s)) }

// Shutdown shuts down our side of a connection. The peer receives what was sent
// and then end of file, and may go on sending.
func (s Socket) Shutdown() error { return shutdown(int(s)) }

// Close closes the descriptor. The next client may get the same number, so if
// your table is indexed by descriptors, clear the row first.
func (s Socket) Close() error { return closeSocket(int(s)) }

// Detach closes the Listener and returns its socket, for a server that accepts
// by itself. The socket stays open even if the program has to stop: see
// Stopping. If the program already has to stop, Detach ends it with status 0.
func (l *Listener) Detach() (Socket, error) {
	if !l.forget() { // the listener has been closed, because of a signal
		os.Exit(0)
	}
	s, err := detach(l)
	l.Listener.Close()
	return s, err
}

// Stopping returns a descriptor that becomes readable when the program has to
// stop, and stays readable, so poll and epoll can wait for that as well. Every
// call returns the same descriptor. Do not close it.
func Stopping() (Socket, error) { return stopping() }

var stopping = sync.OnceValues(func() (Socket, error) {
	return stoppingPipe(program.Stopping())
})

// Tick returns the time between two checks for late clients: a quarter of their
// timeout, but at least a millisecond and at most a second. Checking all
// clients at once is cheaper than a timer for each. Without a timeout (0), Tick
// returns a second.
func Tick(timeout time.Duration) time.Duration {
	if timeout == 0 {
		return time.Second
	}
	return max(time.Millisecond, min(time.Second, timeout/4))
}
