package asyncio

import (
	"io"
	"net/netip"
	"syscall"
	"time"

	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
)

// A Protocol gets the callbacks of one connection. The first is ConnectionMade,
// and the last is always ConnectionLost.
type Protocol interface {
	// ConnectionMade hands over the connection's transport.
	ConnectionMade(transport *Transport)

	// DataReceived hands over data, in the pieces in which it arrives. The
	// bytes are valid until DataReceived returns.
	DataReceived(data []byte)

	// ConnectionLost is called when the connection has ended. If err is nil,
	// either side has closed it, and everything written was sent. Otherwise
	// err says why the connection broke, and quotes what was not sent.
	ConnectionLost(err error)
}

// A FlowController is a Protocol that wants to know when the peer does not take
// what is written. What the protocol writes after PauseWriting is kept in
// memory all the same.
type FlowController interface {
	PauseWriting()  // more than 64 KiB have not been sent
	ResumeWriting() // less than 16 KiB of it are left
}

// An EOFReceiver is a Protocol that may want to send though the peer has closed
// its side. It receives everything that the peer has sent, even if nothing can
// be sent to the peer any more.
type EOFReceiver interface {
	// EOFReceived is called when the peer has closed its side. It reports
	// whether the connection stays. If so, the connection is lost once a write
	// fails because the peer is gone.
	EOFReceived() (stays bool)
}

// A FlowController is paused above highWater bytes and resumed below lowWater.
// Python's asyncio has the same limits.
const highWater, lowWater = 64 << 10, 16 << 10

// A Transport is one connection on a loop.
type Transport struct {
	loop     *Loop
	sock     socket.Socket
	key      *selectors.Key
	peer     netip.AddrPort
	protocol Protocol
	row      int    // where it is in loop.transports
	unsent   []byte // written, but not sent yet
	full     bool   // the protocol was told to pause
	closing  bool   // to be closed when everything is sent
	ended    bool   // the peer has closed its side, or the connection broke
	lost     bool   // shut down or closed, and ConnectionLost was called
	closed   bool
	drained  int   // bytes received since our side was shut down
	broken   error // why nothing more can be sent to an EOFReceiver
	timeout  time.Duration
	deadline time.Time

	writeTimeout  time.Duration
	writeDeadline time.Time // for some of unsent, if there is any
}

// PeerName returns the address of the peer: get_extra_info('peername') in
// Python.
func (t *Transport) PeerName() netip.AddrPort { return t.peer }

// Write sends as much of data as there is room for, and the loop sends the rest
// as soon as there is room again. Write never waits, and the caller may reuse
// data. It restarts the peer's timeout: see SetTimeout. After Close it does
// nothing.
func (t *Transport) Write(data []byte) {
	if t.closing || t.broken != nil || len(data) == 0 {
		return
	}
	t.startClock()
	if len(t.unsent) > highWater {
		// The loop may be too busy to send these bytes in time.
		if !t.sendUnsent() {
			return
		}
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
		t.failWriting(err)
	}
}

// keep copies data that could not be sent, and makes the loop wait for room.
func (t *Transport) keep(data []byte) {
	if len(t.unsent) == 0 && t.writeTimeout > 0 {
		t.writeDeadline = time.Now().Add(t.writeTimeout)
		t.loop.sweepLater(t.writeTimeout)
	}
	t.unsent = append(t.unsent, data...)
	t.waitFor(t.key.Events | selectors.EventWrite)
	if flow, ok := t.protocol.(FlowController); ok && !t.full && len(t.unsent) > highWater {
		t.full = true
		flow.PauseWriting()
	}
}

// WriteBufferSize returns how many bytes were written but not sent yet:
// get_write_buffer_size in Python.
func (t *Transport) WriteBufferSize() int { return len(t.unsent) }

// Abort closes the connection. What has not been sent is lost.
func (t *Transport) Abort() {
	t.unsent = nil
	t.Close()
}

// Close closes the connection when everything written has been sent. Nothing
// more is received.
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

// PauseReading stops receiving. Once the kernel's buffers are full, the peer
// has to stop sending, too.
func (t *Transport) PauseReading() { t.waitFor(t.key.Events &^ selectors.EventRead) }

// ResumeReading receives again after PauseReading.
func (t *Transport) ResumeReading() {
	if !t.closing && !t.ended {
		t.waitFor(t.key.Events | selectors.EventRead)
	}
}

// SetTimeout limits the time from one Write to the next: the peer has to take
// what was written, and to send what the protocol answers next. The clock
// starts with every Write, and with SetTimeout itself. When the time is over,
// the connection breaks with program.ErrTimedOut. That may be up to a second
// late, but at most a quarter of timeout if all connections have the same one.
// A timeout of 0 is no limit. A connection begins with socket.DefaultTimeout.
func (t *Transport) SetTimeout(timeout time.Duration) {
	t.timeout = timeout
	if timeout > 0 {
		t.startClock()
		t.loop.sweepLater(timeout)
	}
}

// SetWriteTimeout limits how long unsent data may wait without any of it being
// sent. The clock starts when data begins to wait, and restarts whenever some
// of it is sent. When the time is over, the connection breaks as after
// SetTimeout. A timeout of 0 is no limit, which is also the default.
func (t *Transport) SetWriteTimeout(timeout time.Duration) { t.writeTimeout = timeout }

// sweepWrite ends the connection if its write timeout has passed.
func (t *Transport) sweepWrite() {
	switch {
	case t.writeTimeout == 0 || t.lost || len(t.unsent) == 0:
	case t.loop.now.After(t.writeDeadline):
		t.lose(program.ErrTimedOut)
	default:
		t.loop.sweepLater(t.writeTimeout)
	}
}

// startClock starts the peer's timeout. It does not use the loop's time, which
// is stale if the protocol has computed for a long time.
func (t *Transport) startClock() {
	if t.timeout > 0 {
		t.deadline = time.Now().Add(t.timeout)
	}
}

// late reports whether the peer's time is over: see SetTimeout.
func (t *Transport) late() bool { return t.loop.now.After(t.deadline) }

// handle reacts to the events that the selector found.
func (t *Transport) handle(events selectors.Event) {
	if t.lost {
		t.drain()
		return
	}
	if events&t.key.Events&selectors.EventWrite != 0 {
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
	case err == io.EOF && (t.broken == nil || t.broken == syscall.EPIPE):
		t.eof()
	case err == io.EOF:
		t.fail(t.broken) // which Recv does not repeat
	case err != socket.ErrWouldBlock:
		t.fail(err)
	}
}

// eof notes that the peer has closed its side. For an EOFReceiver, eof is
// called again when the connection breaks.
func (t *Transport) eof() {
	again := t.ended
	t.ended = true
	receiver, ok := t.protocol.(EOFReceiver)
	if ok && !again && receiver.EOFReceived() && t.broken == nil {
		t.PauseReading()
	} else {
		t.Close()
	}
}

// sendUnsent sends as much of the unsent data as there is room for. It returns
// false if the connection is broken.
func (t *Transport) sendUnsent() bool {
	n, err := t.sock.Send(t.unsent)
	t.unsent = t.unsent[n:]
	if n > 0 && t.writeTimeout > 0 {
		t.writeDeadline = time.Now().Add(t.writeTimeout)
	}
	if err != nil && err != socket.ErrWouldBlock {
		t.failWriting(err)
		return false
	}
	return true
}

func (t *Transport) send() {
	if len(t.unsent) > 0 && !t.sendUnsent() {
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

// waitFor sets the events that the loop waits for. It cannot fail, because the
// descriptor is open and registered.
func (t *Transport) waitFor(events selectors.Event) {
	if !t.closed {
		t.loop.selector.Modify(t.key, events)
	}
}

// failWriting ends a connection that is broken for writing. An EOFReceiver
// first receives what has already arrived.
func (t *Transport) failWriting(err error) {
	_, ok := t.protocol.(EOFReceiver)
	if !ok || t.key.Events&selectors.EventRead == 0 {
		t.fail(err)
		return
	}
	t.broken, t.unsent = err, nil
	t.waitFor(selectors.EventRead)
}

// fail ends a broken connection, but only after its caller has returned. The
// caller may be the protocol, which does not expect a callback inside a Write.
func (t *Transport) fail(err error) {
	t.closing, t.ended = true, true
	t.loop.CallSoon(func() { t.lose(err) })
}

// lose ends the connection and tells its protocol. If the peer may still be
// sending, lose only shuts down our side, and drain receives the rest before
// the connection is closed.
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

// drain discards what the peer still sends. It closes the connection at the
// peer's end of file, after an error, or after more than MaxLinger bytes.
// Closing it with input unread would reset it, and a reset destroys answers
// that the peer has not read yet.
func (t *Transport) drain() {
	n, err := t.sock.Recv(t.loop.buffer[:])
	t.drained += n
	if err != nil && err != socket.ErrWouldBlock || t.drained > socket.MaxLinger {
		t.close()
	}
}

// close removes the connection from the loop and closes it.
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
