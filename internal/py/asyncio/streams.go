package asyncio

import (
	"io"
	"iter"
	"net/netip"
	"time"

	"fopnp/internal/py/socket"
)

// StartServer has the loop accept clients from listener and run converse for
// each, as a coroutine: it runs until it waits, in Read or Drain, and goes on
// when the loop has what it waits for. Of all coroutines only one runs at any
// time, and only between its waits can another, so that they need no locks.
// The connection closes when converse returns.
func (l *Loop) StartServer(converse func(*StreamReader, *StreamWriter), listener *socket.Listener) {
	l.CreateServer(func() Protocol { return &stream{converse: converse} }, listener)
}

// A stream is the Protocol of a connection whose conversation is a coroutine.
// What makes the coroutine is iter.Pull: resume runs converse until it yields,
// on a stack of its own but in the loop's own turn, without asking Go's
// scheduler.
type stream struct {
	converse  func(*StreamReader, *StreamWriter)
	transport *Transport
	resume    func() (struct{}, bool)
	yield     func(struct{}) bool
	data      []byte // has come, and was not read
	end       error  // why no more will come
	full      bool   // more is written than the other side takes
}

// StreamReader is the receiving side of a coroutine's connection.
type StreamReader stream

// StreamWriter is the sending side of a coroutine's connection.
type StreamWriter stream

func (s *stream) ConnectionMade(transport *Transport) {
	s.transport = transport
	s.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		s.yield = yield
		s.converse((*StreamReader)(s), (*StreamWriter)(s))
		transport.Close()
	})
	s.resume() // until its first wait
}

func (s *stream) DataReceived(data []byte) {
	s.data = data
	s.resume()
}

// The other side does not take what is written, so we do not take what it
// sends: it is answered no faster than it reads.
func (s *stream) PauseWriting() {
	s.full = true
	s.transport.PauseReading()
}

func (s *stream) ResumeWriting() {
	s.full = false
	s.transport.ResumeReading()
	s.resume()
}

func (s *stream) ConnectionLost(err error) {
	s.end = err
	if err == nil {
		s.end = io.EOF
	}
	s.resume()
}

// wait hands the turn back to the loop. Who calls it looks afterwards whether
// what has happened is what it waits for.
func (s *stream) wait() { s.yield(struct{}{}) }

// Read waits until something has come, and returns it: the bytes are the
// caller's until it waits again. The error is io.EOF when the other side sends
// no more, and otherwise says why the connection broke.
func (r *StreamReader) Read() ([]byte, error) {
	for r.data == nil && r.end == nil {
		(*stream)(r).wait()
	}
	data := r.data
	r.data = nil
	if data == nil {
		return nil, r.end
	}
	return data, nil
}

// Write sends data as Transport.Write does, without waiting.
func (w *StreamWriter) Write(data []byte) { w.transport.Write(data) }

// Drain waits until the other side has taken most of what was written to it.
func (w *StreamWriter) Drain() {
	for w.full && w.end == nil {
		(*stream)(w).wait()
	}
}

// PeerName returns the address of the other side.
func (w *StreamWriter) PeerName() netip.AddrPort { return w.transport.PeerName() }

// Loop returns the loop that the coroutine runs on.
func (w *StreamWriter) Loop() *Loop { return w.transport.loop }

// SetTimeout is Transport.SetTimeout.
func (w *StreamWriter) SetTimeout(timeout time.Duration) { w.transport.SetTimeout(timeout) }
