package zen_utils

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// A Socket is one end of a conversation: a connection, and around it what
// Python's socket leaves to the kernel or to the caller: the messages that
// were received, those to be sent, and the time that the other end has.
type Socket struct {
	conn    net.Conn
	framer  Framer
	buffer  []byte    // small, or a larger one for who sends more at once
	small   [128]byte // five questions fit; a silent client holds no more
	full    bool      // there was no room in buffer for all that had come
	broken  error     // what receiveMore has found instead of more
	unsent  []byte
	timeout time.Duration
	clock   atomic.Int64 // when its time began; or stopped, or late

	next, previous *Socket // in conversations
}

// What a clock shows while nobody is waited for, and when it has run down.
const stopped, late = 0, -1

// NewSocket begins a conversation over conn whose other end has the time
// timeout for each message, or for ever if that is 0. When the program is told
// to stop, the conversation ends as soon as what was received is answered.
func NewSocket(conn net.Conn, timeout time.Duration) *Socket {
	s := &Socket{conn: conn, timeout: timeout}
	s.buffer = s.small[:]
	conversations.add(s)
	return s
}

// Close sends what SendAll has collected and closes the connection.
func (s *Socket) Close() error {
	s.startClock()
	err := s.flush()
	conversations.remove(s)
	return errors.Join(err, s.conn.Close())
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

// received returns the next message, if the n bytes that a Read has returned
// complete one. Its error is RecvUntil's.
func (s *Socket) received(n int, why error, suffix byte) ([]byte, error) {
	if n > 0 {
		s.full = n == len(s.buffer)
		s.framer.Feed(s.buffer[:n])
		return s.framer.Next(suffix)
	}
	if program.Stopping().Err() != nil && why != io.EOF {
		why = socket.ErrStopped
	}
	return nil, socket.Ended(s.framer.Rest(), why)
}

// receiveMore returns the next message if it has come already and there was no
// room for it in buffer. It does not wait: the answers to all that came in one
// segment shall leave in one write, and a segment can be longer than buffer.
func (s *Socket) receiveMore(suffix byte) ([]byte, error) {
	s.full = false
	if len(s.buffer) < socket.MaxMessage {
		s.buffer = make([]byte, socket.MaxMessage)
	}
	n, err := socket.RecvNow(s.conn, s.buffer)
	if n > 0 {
		s.framer.Feed(s.buffer[:n])
		return s.framer.Next(suffix)
	}
	if err != socket.ErrWouldBlock {
		s.broken = err // said only once; first our messages are sent
	}
	return nil, nil
}

// startClock gives the other end its time, to take our messages and to send its
// next.
func (s *Socket) startClock() {
	if s.clock.Load() != late {
		s.clock.Store(conversations.now.Load())
	}
}

// stopClock is for the time that passes before we have answered.
func (s *Socket) stopClock() {
	if s.clock.Load() != late {
		s.clock.Store(stopped)
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

// conversations are all that are open, and the clock by which they go. A
// goroutine looks at it for all of them: for each to set a deadline costs up to
// a tenth of a question. They are a linked list because that takes next to no
// stack: a goroutine that has once needed more than 2 KiB keeps 4, and with ten
// thousand silent clients that is most of what they cost.
var conversations list

type list struct {
	now   atomic.Int64 // ns since the beginning, a little less than the truth
	watch sync.Once
	clock sync.Once
	mu    sync.Mutex
	first *Socket
}

func (l *list) add(s *Socket) {
	l.watch.Do(func() {
		context.AfterFunc(program.Stopping(), l.stop)
		context.AfterFunc(program.Hurrying(), l.stop)
	})
	if s.timeout > 0 {
		l.clock.Do(func() {
			l.now.Store(1)
			go l.tick(socket.Tick(s.timeout))
		})
	}
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

// tick sets the clock and wakes those who wait for somebody who is late. All
// that a program converses with have about the same time.
func (l *list) tick(interval time.Duration) {
	start := time.Now()
	for range time.Tick(interval) {
		l.now.Store(int64(time.Since(start)))
		l.mu.Lock()
		for s := l.first; s != nil; s = s.next {
			s.wakeIfLate(interval)
		}
		l.mu.Unlock()
	}
}

func (s *Socket) wakeIfLate(slack time.Duration) {
	began := s.clock.Load()
	if s.timeout == 0 || began == stopped || began == late {
		return
	}
	waited := conversations.now.Load() - began
	if waited > int64(s.timeout+slack) && s.clock.CompareAndSwap(began, late) {
		s.conn.SetDeadline(time.Now())
	}
}

func (l *list) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := l.first; s != nil; s = s.next {
		s.stop()
	}
}
