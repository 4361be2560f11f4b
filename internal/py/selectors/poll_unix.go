//go:build unix

package selectors

import (
	"time"

	"golang.org/x/sys/unix"
)

// A pollSelector passes the whole list of sockets to the kernel at every call:
// fds[i] belongs to keys[i].
type pollSelector struct {
	fds  []unix.PollFd
	keys []*Key
	ready
}

// NewPoll returns a Selector that uses poll(2), as Python's PollSelector does.
// The error is always nil.
func NewPoll() (Selector, error) { return &pollSelector{}, nil }

func (s *pollSelector) Register(fd int, events Event, data any) (*Key, error) {
	key := &Key{Fd: fd, Events: events, Data: data, row: len(s.keys)}
	s.keys = append(s.keys, key)
	s.fds = append(s.fds, unix.PollFd{Fd: int32(fd), Events: pollEvents(events)})
	return key, nil
}

func (s *pollSelector) Modify(key *Key, events Event) error {
	key.Events = events
	s.fds[key.row].Events = pollEvents(events)
	return nil
}

func (s *pollSelector) Unregister(key *Key) error {
	s.Forget(key)
	return nil
}

// Forget moves the last row to where the key's was.
func (s *pollSelector) Forget(key *Key) {
	row, last := key.row, len(s.keys)-1
	s.fds[row], s.keys[row] = s.fds[last], s.keys[last]
	s.keys[row].row = row
	s.keys[last] = nil
	s.fds, s.keys = s.fds[:last], s.keys[:last]
	key.gone = true
}

func (s *pollSelector) Select(timeout time.Duration) error {
	s.begin()
	n, err := unix.Poll(s.fds, milliseconds(timeout))
	if err == unix.EINTR {
		return nil
	}
	for i := 0; n > 0; i++ {
		if revents := s.fds[i].Revents; revents != 0 {
			s.add(s.keys[i], pollReady(revents))
			n--
		}
	}
	return err
}

func (s *pollSelector) Close() error { return nil }

func pollEvents(events Event) (mask int16) {
	if events&EventRead != 0 {
		mask |= unix.POLLIN
	}
	if events&EventWrite != 0 {
		mask |= unix.POLLOUT
	}
	return mask
}

// pollReady counts an error as both events, because reading and writing both
// report it.
func pollReady(revents int16) (events Event) {
	if revents&^unix.POLLOUT != 0 {
		events |= EventRead
	}
	if revents&^unix.POLLIN != 0 {
		events |= EventWrite
	}
	return events
}
