package asyncio

import (
	"io"
	"net/netip"
	"time"

	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
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
	lost     bool   // is closed
	timeout  time.Duration
	deadline time.Time
}

// PeerName returns the address of the other side: get_extra_info('peername').
func (t *Transport) PeerName() netip.AddrPort { return t.peer }

// Write sends data: at once, if there is room, and what there is no room for
// as soon as there is. It never waits, and does not keep data. After Close it
// does nothing.
func (t *Transport) Write(data []byte) {
	if t.closing || len(data) == 0 {
		return
	}
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
	t.PauseReading()
	if len(t.unsent) == 0 {
		t.loop.CallSoon(func() { t.lose(nil) })
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

// SetTimeout breaks the connection, with the error "timed out", unless it is
// called again before the time of timeout has passed. The break may come up to
// a second late, or a quarter of timeout if that is less; 0 is never. To call
// it often costs next to nothing.
func (t *Transport) SetTimeout(timeout time.Duration) {
	t.timeout = timeout
	if timeout > 0 {
		t.deadline = time.Now().Add(timeout)
		t.loop.sweepLater(timeout)
	}
}

// late reports whether the time of SetTimeout has passed.
func (t *Transport) late() bool { return t.loop.now.After(t.deadline) }

// handle does what the selector says can be done.
func (t *Transport) handle(events selectors.Event) {
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

// waitFor changes what the loop waits for. It cannot fail: the descriptor is
// open and registered.
func (t *Transport) waitFor(events selectors.Event) {
	if !t.lost {
		t.loop.selector.Modify(t.key, events)
	}
}

// fail ends a broken connection, but not before whoever calls has returned.
func (t *Transport) fail(err error) {
	t.closing = true
	t.PauseReading()
	t.loop.CallSoon(func() { t.lose(err) })
}

// lose takes the connection out of the loop, closes it and tells its protocol.
func (t *Transport) lose(err error) {
	if t.lost {
		return
	}
	t.loop.selector.Unregister(t.key)
	t.sock.Close()
	t.closing, t.lost = true, true
	l := t.loop
	last := len(l.transports) - 1
	l.transports[t.row] = l.transports[last]
	l.transports[t.row].row = t.row
	l.transports[last] = nil
	l.transports = l.transports[:last]
	if len(t.unsent) > 0 && err != nil {
		err = socket.Unsent(t.unsent, err)
	}
	t.protocol.ConnectionLost(err)
}
