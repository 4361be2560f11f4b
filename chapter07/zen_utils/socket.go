package zen_utils

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"fopnp/internal/program"
	"fopnp/internal/socket"
)

// A Socket is one end of a conversation: a connection, and around it what
// Python's socket leaves to the kernel or to the caller: the messages that
// were received, those to be sent, and the time that the other end has.
type Socket struct {
	conn    net.Conn
	framer  Framer
	buffer  [512]byte // sixteen questions fit; a silent client holds no more
	unsent  []byte
	timeout time.Duration
	clock   time.Time // when the deadline was last set

	next, previous *Socket // in conversations
}

// NewSocket begins a conversation over conn whose other end has the time
// timeout for each message, or for ever if that is 0. When the program is told
// to stop, the conversation ends as soon as what was received is answered.
func NewSocket(conn net.Conn, timeout time.Duration) *Socket {
	s := &Socket{conn: conn, timeout: timeout}
	conversations.add(s)
	return s
}

// Close sends what SendAll has collected and closes the connection.
func (s *Socket) Close() error {
	conversations.remove(s)
	s.startClock()
	return errors.Join(s.flush(), s.conn.Close())
}

// SendAll collects a message that is sent, with all others collected since, as
// soon as RecvUntil finds nothing more to return: answers to questions that
// came together leave together.
func (s *Socket) SendAll(message string) {
	s.unsent = append(s.unsent, message...)
}

// flush sends what was collected, in one write.
func (s *Socket) flush() error {
	if len(s.unsent) == 0 {
		return nil
	}
	n, err := s.conn.Write(s.unsent)
	unsent := s.unsent[n:]
	s.unsent = s.unsent[:0]
	if err != nil {
		return socket.Unsent(unsent, err)
	}
	return nil
}

// recv returns what has come, or waits for it. Its error is RecvUntil's.
func (s *Socket) recv() ([]byte, error) {
	n, err := s.conn.Read(s.buffer[:])
	if n > 0 {
		return s.buffer[:n], nil
	}
	if program.Stopping().Err() != nil && err != io.EOF {
		err = ErrStopped
	}
	return nil, Ended(s.framer.Rest(), err)
}

// startClock gives the other end its time, and up to a second or a quarter of
// the time more: to set a deadline costs as much as a tenth of a question, so
// within that slack the old one serves the next question too.
func (s *Socket) startClock() {
	if s.timeout == 0 || program.Stopping().Err() != nil {
		return
	}
	slack := min(time.Second, s.timeout/4)
	now := time.Now()
	if now.Sub(s.clock) < slack {
		return
	}
	s.clock = now
	s.conn.SetDeadline(now.Add(s.timeout + slack)) // fails if closed, as reads will
	if program.Stopping().Err() != nil {
		s.stop() // it came in between, and its deadlines were overwritten
	}
}

// stop wakes the conversation if the program stops and it waits for the client.
// If it still sends when the program's time is over, or is only then done with
// an answer, there is a moment left for that.
func (s *Socket) stop() {
	now := time.Now()
	if program.Stopping().Err() != nil {
		s.conn.SetReadDeadline(now)
	}
	if program.Hurrying().Err() != nil {
		s.conn.SetWriteDeadline(now.Add(200 * time.Millisecond))
	}
}

// conversations are all that are open. They are a linked list, because adding to
// one takes next to no stack: a goroutine that has once needed more than 2 KiB
// keeps 4, and with ten thousand silent clients that is most of what they cost.
var conversations list

type list struct {
	mu    sync.Mutex
	watch sync.Once
	first *Socket
}

func (l *list) add(s *Socket) {
	l.watch.Do(func() {
		context.AfterFunc(program.Stopping(), l.stop)
		context.AfterFunc(program.Hurrying(), l.stop)
	})
	l.mu.Lock()
	s.next = l.first
	if s.next != nil {
		s.next.previous = s
	}
	l.first = s
	l.mu.Unlock()
	s.stop() // if it came meanwhile
}

func (l *list) remove(s *Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.previous != nil {
		s.previous.next = s.next
	} else if l.first == s {
		l.first = s.next
	}
	if s.next != nil {
		s.next.previous = s.previous
	}
	s.next, s.previous = nil, nil
}

func (l *list) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := l.first; s != nil; s = s.next {
		s.stop()
	}
}
