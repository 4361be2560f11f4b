package selectors

import (
	"time"

	"golang.org/x/sys/unix"
)

// An epollSelector leaves the list of sockets in the kernel, which returns only
// those that are ready. So silent sockets do not make a call more expensive.
type epollSelector struct {
	epoll  int
	keys   []*Key // by descriptor
	events [256]unix.EpollEvent
	ready
}

// NewEpoll returns a Selector that uses epoll(7), as Python's EpollSelector
// does. It returns an error if the process or the system has run out of
// descriptors.
func NewEpoll() (Selector, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &epollSelector{epoll: epoll}, err
}

// Default returns the best Selector of this system, as Python's DefaultSelector
// does: the one that uses epoll(7). Its error is NewEpoll's.
func Default() (Selector, error) { return NewEpoll() }

func (s *epollSelector) Register(fd int, events Event, data any) (*Key, error) {
	event := unix.EpollEvent{Events: epollEvents(events), Fd: int32(fd)}
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return nil, err
	}
	for fd >= len(s.keys) {
		s.keys = append(s.keys, nil)
	}
	s.keys[fd] = &Key{Fd: fd, Events: events, Data: data}
	return s.keys[fd], nil
}

func (s *epollSelector) Modify(key *Key, events Event) error {
	if key.Events == events {
		return nil
	}
	key.Events = events
	event := unix.EpollEvent{Events: epollEvents(events), Fd: int32(key.Fd)}
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_MOD, key.Fd, &event)
}

func (s *epollSelector) Forget(key *Key) {
	key.gone = true
	s.keys[key.Fd] = nil
}

func (s *epollSelector) Unregister(key *Key) error {
	s.Forget(key)
	return unix.EpollCtl(s.epoll, unix.EPOLL_CTL_DEL, key.Fd, nil)
}

func (s *epollSelector) Select(timeout time.Duration) error {
	s.begin()
	n, err := unix.EpollWait(s.epoll, s.events[:], milliseconds(timeout))
	if err == unix.EINTR {
		return nil
	}
	for _, event := range s.events[:max(n, 0)] {
		s.add(s.keys[event.Fd], epollReady(event.Events))
	}
	return err
}

func (s *epollSelector) Close() error { return unix.Close(s.epoll) }

func epollEvents(events Event) (mask uint32) {
	if events&EventRead != 0 {
		mask |= unix.EPOLLIN
	}
	if events&EventWrite != 0 {
		mask |= unix.EPOLLOUT
	}
	return mask
}

// epollReady counts an error as both events, because reading and writing both
// report it.
func epollReady(mask uint32) (events Event) {
	if mask&^unix.EPOLLOUT != 0 {
		events |= EventRead
	}
	if mask&^unix.EPOLLIN != 0 {
		events |= EventWrite
	}
	return events
}
