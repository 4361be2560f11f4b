package services

import (
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// An outbox is a connection whose Write does not wait for the client, so a server may
// write while it holds a lock that other clients need. A goroutine sends what was
// written. Read waits until all is sent, so a client that does not read its answers
// cannot ask for more.
//
// If the client accepts no data for [sendTime], all calls fail. Write deadlines
// have no effect.
type outbox struct {
	net.Conn

	mu     sync.Mutex
	moved  sync.Cond // unsent, busy, closed or err has changed
	unsent []byte
	busy   bool // some more are being sent
	closed bool
	err    error // of the goroutine that sends
}

// outboxes is a listener whose connections are outboxes.
type outboxes struct{ net.Listener }

func (l outboxes) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	o := &outbox{Conn: conn}
	o.moved.L = &o.mu
	go o.deliver()
	return o, nil
}

// outboxOf returns the outbox of a connection that came from outboxes, perhaps
// through TLS.
func outboxOf(conn net.Conn) *outbox {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return conn.(*outbox)
}

// deliver sends what is written until the outbox is closed.
func (o *outbox) deliver() {
	const most = 64 << 10 // bytes in sendTime
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil {
		for len(o.unsent) == 0 && !o.closed {
			o.moved.Wait()
		}
		if len(o.unsent) == 0 {
			return
		}
		sending := o.unsent
		o.unsent, o.busy = nil, true
		o.mu.Unlock()
		var err error
		for n := 0; len(sending) > 0 && err == nil; sending = sending[n:] {
			o.Conn.SetWriteDeadline(time.Now().Add(sendTime))
			n, err = o.Conn.Write(sending[:min(len(sending), most)])
		}
		o.mu.Lock()
		o.busy, o.err = false, err
		o.moved.Broadcast()
	}
}

func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return 0, o.err
	case o.closed:
		return 0, net.ErrClosed
	}
	o.unsent = append(o.unsent, p...)
	o.moved.Broadcast()
	return len(p), nil
}

// sent waits until everything that was written has been sent.
func (o *outbox) sent() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && (len(o.unsent) > 0 || o.busy) {
		o.moved.Wait()
	}
	return o.err
}

func (o *outbox) Read(p []byte) (int, error) {
	if err := o.sent(); err != nil {
		return 0, err
	}
	return o.Conn.Read(p)
}

// Close closes the connection when all is sent.
func (o *outbox) Close() error {
	o.mu.Lock()
	o.closed = true
	o.moved.Broadcast()
	o.mu.Unlock()
	o.sent() // its error was Write's or Read's as well
	return o.Conn.Close()
}

func (o *outbox) SetDeadline(t time.Time) error      { return o.SetReadDeadline(t) }
func (o *outbox) SetWriteDeadline(t time.Time) error { return nil }
