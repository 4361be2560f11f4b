package asyncio

import (
	"io"
	"net/netip"
	"time"

	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
)

// A Protocol is what a connection's callbacks are called on. First
// ConnectionMade is called, last and always ConnectionLost.
type Protocol interface {
	// ConnectionMade hands over the connection's transport.
	ConnectionMade(transport *Transport)

	// DataReceived hands over what has come, in pieces as they came. The
	// bytes are the protocol's only until it returns.
	DataReceived(data []byte)

	// ConnectionLost says that the connection is closed: by either side if
	// err is nil, and after all that was written had been sent. Otherwise
	// err says why it broke, and names what had not been sent.
	ConnectionLost(err error)
}

// A FlowController is a Protocol that wants to be told when the other side
// does not take what is written to it. What is written after PauseWriting is
// kept in memory all the same.
type FlowController interface {
	PauseWriting()  // more than 64 KiB have not been sent
	ResumeWriting() // less than 16 KiB are left of that
}

// The marks between which a FlowController is paused, which are asyncio's.
const highWater, lowWater = 64 << 10, 16 << 10

// A Transport is one connection on a loop.
type Transport struct {
	loop     *Loop
	sock     socket.Socket
	key      *selectors.Key
	peer     netip.AddrPort
	protocol Protocol
	row      int    // in loop.transports
	unsent   []byte // written, and still to be sent
	full     bool   // the protocol was told to pause
	closing  bool   // closes when all is sent
	ended    bool   // the peer has closed its side, or the connection broke
	lost     bool   // the protocol was told that it is closed
	closed   bool
	drained  int // bytes received since our side was shut down
	timeout  time.Duration
	deadline time.Time
}

// PeerName returns the address of the other side: get_extra_info('peername').
func (t *Transport) PeerName() netip.AddrPort { return t.peer }

// Write sends data: at once if there is room, and the rest as soon as there is.
// It never waits and does not keep data. It gives the peer its whole time again:
// see SetTimeout. After Close it does nothing.
func (t *Transport) Write(data []byte) {
	if t.closing || len(data) == 0 {
		return
	}
	t.startClock()
	if len(t.unsent) > 0 {
		t.keep(data)
		return
	}
	n, err := t.sock.Send(data)
	if n < len(data) {
		t.keep(data[n:])
	}
	if err != nil && err != socket.ErrWouldBlock {
		t.fail(err)
	}
}

// keep remembers what could not be sent, and has the loop say when it can.
func (t *Transport) keep(data []byte) {
	t.unsent = append(t.unsent, data...)
	t.waitFor(t.key.Events | selectors.EventWrite)
	if flow, ok := t.protocol.(FlowController); ok && !t.full && len(t.unsent) > highWater {
		t.full = true
		flow.PauseWriting()
	}
}

// Close closes the connection when all that was written has been sent.
// Nothing is received any more.
func (t *Transport) Close() {
	if t.closing {
		return
	}
	t.closing = true
	if len(t.unsent) == 0 {
		t.loop.CallSoon(func() { t.lose(nil) })
	} else {
		t.PauseReading()
	}
}

// PauseReading stops receiving, so that the other side's sending stops too
// once the kernel's buffers are full.
func (t *Transport) PauseReading() { t.waitFor(t.key.Events &^ selectors.EventRead) }

// ResumeReading goes on after PauseReading.
func (t *Transport) ResumeReading() {
	if !t.closing {
		t.waitFor(t.key.Events | selectors.EventRead)
	}
}

// SetTimeout sets the time that the peer has, from the last Write on (at first
// from the connection's beginning), to take what was written and to send what
// the protocol answers next. Then the connection breaks with
// program.ErrTimedOut, at most a second late, or a quarter of timeout if that
// is less. 0 is no limit. A connection begins with socket.DefaultTimeout.
func (t *Transport) SetTimeout(timeout time.Duration) {
	t.timeout = timeout
	if timeout > 0 {
		t.startClock()
		t.loop.sweepLater(timeout)
	}
}

// startClock does not ask the loop for the time: the protocol may have computed
// for long.
func (t *Transport) startClock() {
	if t.timeout > 0 {
		t.deadline = time.Now().Add(t.timeout)
	}
}

// late reports whether the time of SetTimeout has passed.
func (t *Transport) late() bool { return t.loop.now.After(t.deadline) }

// handle does what the selector says can be done.
func (t *Transport) handle(events selectors.Event) {
	if t.lost {
		t.drain()
		return
	}
	if events&selectors.EventWrite != 0 && len(t.unsent) > 0 {
		t.send()
	}
	if events&selectors.EventRead != 0 && !t.closing {
		t.receive()
	}
}

func (t *Transport) receive() {
	n, err := t.sock.Recv(t.loop.buffer[:])
	switch {
	case err == nil:
		t.protocol.DataReceived(t.loop.buffer[:n])
	case err == io.EOF:
		t.ended = true
		t.Close()
	case err != socket.ErrWouldBlock:
		t.fail(err)
	}
}

func (t *Transport) send() {
	n, err := t.sock.Send(t.unsent)
	t.unsent = t.unsent[n:]
	if err != nil && err != socket.ErrWouldBlock {
		t.fail(err)
		return
	}
	if t.full && len(t.unsent) < lowWater {
		t.full = false
		t.protocol.(FlowController).ResumeWriting()
	}
	if len(t.unsent) > 0 {
		return
	}
	t.unsent = nil
	t.waitFor(t.key.Events &^ selectors.EventWrite)
	if t.closing {
		t.lose(nil)
	}
}

// waitFor changes what the loop waits for. It cannot fail, because the
// descriptor is open and registered.
func (t *Transport) waitFor(events selectors.Event) {
	if !t.closed {
		t.loop.selector.Modify(t.key, events)
	}
}

// fail ends a broken connection, but not before the caller has returned.
func (t *Transport) fail(err error) {
	t.closing, t.ended = true, true
	t.loop.CallSoon(func() { t.lose(err) })
}

// lose ends the connection and tells its protocol. If the peer may still be
// sending, the connection is only shut down now, and drained before it is
// closed: see drain.
func (t *Transport) lose(err error) {
	if t.lost {
		return
	}
	t.closing, t.lost = true, true
	if len(t.unsent) > 0 && err != nil {
		err = framing.Unsent(t.unsent, err)
	}
	t.unsent = nil
	if t.ended || t.sock.Shutdown() != nil {
		t.close()
	} else {
		t.waitFor(selectors.EventRead)
		t.loop.CallLater(socket.Linger(), t.close)
	}
	t.protocol.ConnectionLost(err)
}

// drain receives what the peer still sends, and closes the connection after the
// last of it, or when it is too much. To close it with input unread would reset
// it, and a reset destroys answers that the peer has not read yet.
func (t *Transport) drain() {
	n, err := t.sock.Recv(t.loop.buffer[:])
	t.drained += n
	if err != nil && err != socket.ErrWouldBlock || t.drained > socket.MaxLinger {
		t.close()
	}
}

// close takes the connection out of the loop and closes it.
func (t *Transport) close() {
	if t.closed {
		return
	}
	t.loop.selector.Forget(t.key)
	t.sock.Close()
	t.closed = true
	l := t.loop
	last := len(l.transports) - 1
	l.transports[t.row] = l.transports[last]
	l.transports[t.row].row = t.row
	l.transports[last] = nil
	l.transports = l.transports[:last]
}
