// Package asyncio is an event loop: one goroutine waits for all sockets at once
// and runs the callbacks of those that are ready. It follows Python's module of
// that name as far as the servers here need it. A server is made of callbacks
// (Protocol and Transport), or of coroutines that run on the same loop
// (StartServer).
//
// A loop and its connections belong to the goroutine that calls RunForever. All
// callbacks run there, so a slow one delays every connection.
//
// Source: https://docs.python.org/3/library/asyncio.html
package asyncio

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

// A Loop runs callbacks when a socket is ready or a timer is due.
type Loop struct {
	selector   selectors.Selector
	now        time.Time      // when the loop last stopped waiting
	timers     []*TimerHandle // the last one is due first
	soon       []func()       // callbacks to run before the loop waits again
	transports []*Transport
	servers    []*server
	sweeping   bool
	stopping   bool
	buffer     [4096]byte // for the data of every connection in turn
	err        error      // why the loop cannot run
}

// A TimerHandle is a callback that a loop runs later.
type TimerHandle struct {
	loop     *Loop
	due      time.Time
	callback func()
}

// NewEventLoop returns a loop that waits with the system's best selector. If
// there is none, Err and RunForever return the error.
func NewEventLoop() *Loop { return NewSelectorEventLoop(selectors.Default()) }

// NewSelectorEventLoop returns a loop that waits with selector, and closes it
// when RunForever ends. The arguments are the results of a constructor of
// package selectors. If err is not nil, Err and RunForever return it.
func NewSelectorEventLoop(selector selectors.Selector, err error) *Loop {
	return &Loop{selector: selector, now: time.Now(), err: err}
}

// Err returns why the loop cannot run, or nil if it can. A server should call it
// before it announces where it listens.
func (l *Loop) Err() error { return l.err }

// CallSoon makes the loop run callback before it waits again.
func (l *Loop) CallSoon(callback func()) { l.soon = append(l.soon, callback) }

// CallLater makes the loop run callback after delay, counted from when the loop
// last stopped waiting. Callbacks that are due at the same time run in the
// order in which CallLater got them. The handle can cancel the callback.
func (l *Loop) CallLater(delay time.Duration, callback func()) *TimerHandle {
	timer := &TimerHandle{l, l.now.Add(delay), callback}
	l.timers = slices.Insert(l.timers, l.before(timer.due), timer)
	return timer
}

// before returns the index of the first timer in timers that is due at due or
// earlier. A timer inserted there runs after those that are due at the same
// time.
func (l *Loop) before(due time.Time) int {
	at, _ := slices.BinarySearchFunc(l.timers, due, func(t *TimerHandle, due time.Time) int {
		return cmp.Compare(due.Sub(t.due), 0)
	})
	return at
}

// Cancel makes sure that the callback does not run, if it has not run yet.
func (t *TimerHandle) Cancel() {
	timers := t.loop.timers
	for i := t.loop.before(t.due); i < len(timers) && timers[i].due.Equal(t.due); i++ {
		if timers[i] == t {
			t.loop.timers = slices.Delete(timers, i, i+1)
			return
		}
	}
}

// RunForever runs the loop until Stop is called or the program has to stop.
// Then it closes servers and connections as Stop does. It returns nil when the
// last connection is closed and every protocol's ConnectionLost has been
// called. If the program's time is over before that (see program.Hurrying), the
// remaining connections lose what has not been sent.
//
// RunForever returns an error if the loop has no selector, if an earlier
// CreateServer failed, or if the system does not let it wait.
func (l *Loop) RunForever() error {
	if l.err != nil {
		return l.err
	}
	defer l.selector.Close()
	stop, err := socket.Stopping()
	if err != nil {
		return err
	}
	stopKey, err := l.selector.Register(stop.Fileno(), selectors.EventRead, nil)
	if err != nil {
		return err
	}
	for !l.stopping || len(l.transports) > 0 || len(l.soon) > 0 {
		if err := l.selector.Select(l.patience()); err != nil {
			return err
		}
		l.now = time.Now()
		stopped := false
		for key, events := l.selector.Next(); key != nil; key, events = l.selector.Next() {
			switch owner := key.Data.(type) {
			case *Transport:
				owner.handle(events)
			case *server:
				owner.accept()
			default:
				l.selector.Unregister(stopKey)
				stopped = true
			}
		}
		l.runDue()
		if stopped { // only now, so the events of the same turn are handled first
			l.Stop()
		}
	}
	return nil
}

// patience returns how long the selector may wait. A negative time is no limit.
func (l *Loop) patience() time.Duration {
	switch {
	case len(l.soon) > 0:
		return 0
	case len(l.timers) > 0:
		return max(0, time.Until(l.timers[len(l.timers)-1].due))
	}
	return -1
}

// runDue runs the callbacks of the timers that are due, and then those of
// CallSoon.
func (l *Loop) runDue() {
	for len(l.timers) > 0 && !l.timers[len(l.timers)-1].due.After(l.now) {
		last := len(l.timers) - 1
		callback := l.timers[last].callback
		l.timers = l.timers[:last]
		callback()
	}
	for len(l.soon) > 0 {
		callbacks := l.soon
		l.soon = nil
		for _, callback := range callbacks {
			callback()
		}
	}
}

// Stop closes the servers at once, and each connection when everything written
// to it has been sent. Nothing more is received. RunForever returns after the
// last of them.
func (l *Loop) Stop() {
	if l.stopping {
		return
	}
	l.stopping = true
	for _, s := range l.servers {
		s.close()
	}
	for _, t := range slices.Clone(l.transports) {
		if t.lost { // it is draining, and may have less time for that now
			l.CallLater(socket.Linger(), t.close)
		}
		t.Close()
	}
	l.CallLater(grain, l.abortInTime)
}

// grain is how often a loop that is stopping checks whether the program's time
// is over.
const grain = 50 * time.Millisecond

// abortInTime ends the remaining connections when the program's time is over,
// even if data waits to be sent.
func (l *Loop) abortInTime() {
	if program.Hurrying().Err() != nil {
		for _, t := range slices.Clone(l.transports) {
			t.lose(program.ErrTimedOut)
		}
	}
	l.CallLater(grain, l.abortInTime)
}

// sweep ends the connections whose peer is late. Checking all of them now and
// then is cheaper than a timer for each.
func (l *Loop) sweep() {
	l.sweeping = false
	for i := len(l.transports) - 1; i >= 0; i-- {
		t := l.transports[i]
		t.sweepWrite()
		if t.timeout == 0 || t.lost {
			continue
		}
		if t.late() && t.key.Events&selectors.EventRead != 0 {
			t.receive() // data may have come while the loop was busy
		}
		switch {
		case !t.late():
			l.sweepLater(t.timeout)
		case !t.closing || len(t.unsent) > 0: // otherwise it is about to close
			t.lose(program.ErrTimedOut)
		}
	}
}

// sweepLater schedules a sweep in time for connections with this timeout,
// unless one is already scheduled.
func (l *Loop) sweepLater(timeout time.Duration) {
	if !l.sweeping {
		l.sweeping = true
		l.CallLater(socket.Tick(timeout), l.sweep)
	}
}

// A server accepts clients for a loop.
type server struct {
	loop     *Loop
	listener socket.Socket
	key      *selectors.Key
	factory  func() Protocol
	backoff  socket.Backoff
}

// CreateServer makes the loop accept clients from listener, which then belongs
// to the loop, and call factory for the protocol of each. If CreateServer
// fails, RunForever returns the error.
func (l *Loop) CreateServer(factory func() Protocol, listener *socket.Listener) {
	if l.err != nil {
		return
	}
	s := &server{loop: l, factory: factory}
	if s.listener, l.err = listener.Detach(); l.err == nil {
		s.key, l.err = l.selector.Register(s.listener.Fileno(), selectors.EventRead, s)
		l.servers = append(l.servers, s)
	}
}

// accept accepts every client in the queue.
func (s *server) accept() {
	for {
		sock, peer, err := s.listener.Accept()
		if err == socket.ErrWouldBlock {
			return
		}
		if err == nil {
			err = s.loop.connect(sock, peer, s.factory())
		}
		if err != nil {
			// Descriptors or memory have run out. A listener with clients in
			// its queue stays ready, so the loop would spin if it kept waiting
			// for the listener.
			s.loop.selector.Modify(s.key, 0)
			s.loop.CallLater(s.backoff.Failed("accept", err), s.resume)
			return
		}
		s.backoff.Succeeded()
	}
}

// resume makes the loop accept again after a failure.
func (s *server) resume() {
	if !s.loop.stopping {
		s.loop.selector.Modify(s.key, selectors.EventRead)
	}
}

func (s *server) close() {
	s.loop.selector.Unregister(s.key)
	s.listener.Close()
}

// connect gives a new connection its transport and its protocol.
func (l *Loop) connect(sock socket.Socket, peer netip.AddrPort, protocol Protocol) (err error) {
	t := &Transport{loop: l, sock: sock, peer: peer, protocol: protocol, row: len(l.transports)}
	if t.key, err = l.selector.Register(sock.Fileno(), selectors.EventRead, t); err != nil {
		sock.Close()
		return err
	}
	l.transports = append(l.transports, t)
	t.SetTimeout(socket.DefaultTimeout())
	protocol.ConnectionMade(t)
	return nil
}
