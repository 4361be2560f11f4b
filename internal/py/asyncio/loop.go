// Package asyncio is an event loop: one goroutine that waits for all sockets
// at once and calls whoever is concerned. It is Python's module of that name
// as far as its two servers need it: callbacks (Protocol and Transport) and,
// on the same loop, streams that a coroutine reads from (StartServer).
//
// Nothing here may be called from another goroutine than the one in
// RunForever, which also calls everything that the callers hand in. A callback
// that takes its time takes everybody's.
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

// A Loop calls back when something happens: on a socket, or by the clock.
type Loop struct {
	selector   selectors.Selector
	now        time.Time // when the loop last stopped waiting
	timers     []timer   // the next to come is the last
	soon       []func()  // to be called before anything is waited for
	transports []*Transport
	servers    []*server
	sweeping   bool
	stopping   bool
	buffer     [4096]byte // whatever is received, from whomever
	err        error      // why it cannot run
}

type timer struct {
	due  time.Time
	call func()
}

// NewEventLoop returns a loop on the system's best selector.
func NewEventLoop() *Loop { return NewSelectorEventLoop(selectors.Default()) }

// NewSelectorEventLoop returns a loop on selector, which is the loop's from
// here on. That there is none, and why, RunForever will say.
func NewSelectorEventLoop(selector selectors.Selector, err error) *Loop {
	return &Loop{selector: selector, now: time.Now(), err: err}
}

// CallSoon has call called before the loop waits again.
func (l *Loop) CallSoon(call func()) { l.soon = append(l.soon, call) }

// CallLater has call called when the time of delay has passed.
func (l *Loop) CallLater(delay time.Duration, call func()) {
	due := l.now.Add(delay)
	at, _ := slices.BinarySearchFunc(l.timers, due, func(t timer, due time.Time) int {
		return cmp.Compare(due.Sub(t.due), 0)
	})
	l.timers = slices.Insert(l.timers, at, timer{due, call})
}

// RunForever runs the loop until Stop is called, or the program is asked to
// stop, and then until every connection has been sent what was written to it,
// or the program's time is over. It returns when all protocols have been told
// that their connection is lost. Its error is that of the loop's making, of a
// CreateServer, or of the system that does not let it wait.
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
		for key, events := l.selector.Next(); key != nil; key, events = l.selector.Next() {
			switch owner := key.Data.(type) {
			case *Transport:
				owner.handle(events)
			case *server:
				owner.accept()
			default:
				l.selector.Unregister(stopKey)
				l.Stop()
			}
		}
		l.runDue()
	}
	return nil
}

// patience is how long the selector may wait; negative is for ever.
func (l *Loop) patience() time.Duration {
	switch {
	case len(l.soon) > 0:
		return 0
	case len(l.timers) > 0:
		return max(0, time.Until(l.timers[len(l.timers)-1].due))
	}
	return -1
}

// runDue calls what was to be called soon, and by now.
func (l *Loop) runDue() {
	for len(l.timers) > 0 && !l.timers[len(l.timers)-1].due.After(l.now) {
		last := len(l.timers) - 1
		call := l.timers[last].call
		l.timers = l.timers[:last]
		call()
	}
	for len(l.soon) > 0 {
		calls := l.soon
		l.soon = nil
		for _, call := range calls {
			call()
		}
	}
}

// Stop closes the servers and the connections, each when all that was written
// to it has been sent, and has RunForever return after the last.
func (l *Loop) Stop() {
	if l.stopping {
		return
	}
	l.stopping = true
	for _, s := range l.servers {
		s.close()
	}
	for _, t := range slices.Clone(l.transports) {
		if t.lost { // and is drained, for which there is less time now
			l.CallLater(socket.Linger(), t.close)
		}
		t.Close()
	}
	l.CallLater(grain, l.abortInTime)
}

// grain is how often a loop that stops looks whether the program's time is over.
const grain = 50 * time.Millisecond

// abortInTime ends, when the program's time is over, the connections of those
// who have not taken what was written to them.
func (l *Loop) abortInTime() {
	if program.Hurrying().Err() != nil {
		for _, t := range slices.Clone(l.transports) {
			t.lose(program.ErrTimedOut)
		}
	}
	l.CallLater(grain, l.abortInTime)
}

// sweep looks whose time is over, once in a while for all of them: that is
// cheaper than a timer for each.
func (l *Loop) sweep() {
	l.sweeping = false
	for i := len(l.transports) - 1; i >= 0; i-- {
		t := l.transports[i]
		if t.timeout == 0 || t.lost {
			continue
		}
		if t.late() && t.key.Events&selectors.EventRead != 0 {
			t.receive() // it may have come while the loop was busy with others
		}
		switch {
		case !t.late():
			l.sweepLater(t.timeout)
		case !t.closing || len(t.unsent) > 0: // otherwise it ends by itself
			t.lose(program.ErrTimedOut)
		}
	}
}

// sweepLater sees to it that the next sweep comes soon enough for somebody
// whose time is timeout.
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

// CreateServer has the loop accept clients from listener, which from here on
// is the loop's, and make a protocol for each.
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

// accept takes all clients that are in the queue.
func (s *server) accept() {
	for {
		sock, peer, err := s.listener.Accept()
		if err == socket.ErrWouldBlock {
			return
		}
		if err == nil {
			err = s.loop.connect(sock, peer, s.factory())
		}
		if err != nil { // no descriptors, no memory: waiting would not wait
			s.loop.selector.Modify(s.key, 0)
			s.loop.CallLater(s.backoff.Failed("accept", err), s.resume)
			return
		}
		s.backoff.Succeeded()
	}
}

// resume tries again after a failure.
func (s *server) resume() {
	if !s.loop.stopping {
		s.loop.selector.Modify(s.key, selectors.EventRead)
	}
}

func (s *server) close() {
	s.loop.selector.Unregister(s.key)
	s.listener.Close()
}

// connect gives a connection its transport and its protocol.
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
