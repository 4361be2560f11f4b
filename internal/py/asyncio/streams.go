package asyncio

import (
	"io"
	"iter"
	"net/netip"
	"time"

	"fopnp/internal/py/socket"
)

// StartServer makes the loop accept clients from listener, which then belongs
// to the loop, and run converse for each as a coroutine. A coroutine runs until
// it waits, in Read or Drain, and resumes when the loop has what it waits for.
// Only one coroutine runs at a time, and others can run only while it waits, so
// coroutines need no locks. The connection closes when converse returns. If
// StartServer fails, RunForever returns the error.
func (l *Loop) StartServer(converse func(*StreamReader, *StreamWriter), listener *socket.Listener) {
	l.CreateServer(func() Protocol { return &stream{converse: converse} }, listener)
}

// A stream is the Protocol of a connection whose conversation is a coroutine.
// iter.Pull makes the coroutine: resume runs converse, on a stack of its own,
// until it yields. Control passes back and forth without Go's scheduler.
type stream struct {
	converse  func(*StreamReader, *StreamWriter)
	transport *Transport
	resume    func() (struct{}, bool)
	yield     func(struct{}) bool
	data      []byte // received, but not read yet
	end       error  // why no more will come
	full      bool   // the peer does not take what is written
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

// PauseWriting stops reading from a peer that does not take what is written. So
// the peer gets answers no faster than it reads them.
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

// wait hands control back to the loop until something happens. Its caller must
// check whether that is what it waits for.
func (s *stream) wait() { s.yield(struct{}{}) }

// Read waits until data arrives and returns it. The bytes are valid until the
// coroutine waits again. The error is io.EOF if the connection was closed, by
// either side, and otherwise says why it broke.
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

// Write sends data as Transport.Write does, and does not wait.
func (w *StreamWriter) Write(data []byte) { w.transport.Write(data) }

// Drain waits if more than 64 KiB of what was written have not been sent: until
// less than 16 KiB are left, or the connection is lost.
func (w *StreamWriter) Drain() {
	for w.full && w.end == nil {
		(*stream)(w).wait()
	}
}

// PeerName returns the address of the peer.
func (w *StreamWriter) PeerName() netip.AddrPort { return w.transport.PeerName() }

// Loop returns the loop that the coroutine runs on.
func (w *StreamWriter) Loop() *Loop { return w.transport.loop }

// SetTimeout limits the peer's time, as Transport.SetTimeout does.
func (w *StreamWriter) SetTimeout(timeout time.Duration) { w.transport.SetTimeout(timeout) }
