package socketserver

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// A RequestHandler handles one request: first Setup is called, then Handle,
// then, whatever Handle did, Finish. One that cannot go on panics with an error,
// which is reported and touches no other request: see BaseServer.HandleError.
type RequestHandler interface {
	Setup()
	Handle()
	Finish()
}

// BaseRequestHandler is what a handler knows of its request. Handler types
// embed it, and hide its methods, which do nothing.
type BaseRequestHandler struct {
	Request       net.Conn // a connection, or a *Datagram
	ClientAddress net.Addr
	Server        Server // the server type, as Bind was told it
}

func (h *BaseRequestHandler) Setup()  {}
func (h *BaseRequestHandler) Handle() {}
func (h *BaseRequestHandler) Finish() {}

// StreamRequestHandler lets a handler read from its client, and write to it, as
// with files.
type StreamRequestHandler struct {
	BaseRequestHandler

	// Timeout is the time that the client has to send what the handler
	// waits for, however slowly it comes, and then to take each Write; 0 is
	// for ever. When it is over, Read or Write fails with
	// os.ErrDeadlineExceeded. It begins anew with the first Read after a
	// Write. The handler's constructor sets it.
	Timeout time.Duration

	// RFile holds up to 4096 bytes that were received and not read yet, so
	// that a ReadSlice of a longer line is bufio.ErrBufferFull.
	RFile *bufio.Reader

	// WFile sends at once, and whole.
	WFile io.Writer
}

// Setup makes RFile and WFile. A handler that hides it calls it.
func (h *StreamRequestHandler) Setup() {
	conn := h.Request
	if h.Timeout > 0 {
		conn = &timed{Conn: conn, timeout: h.Timeout}
	}
	h.RFile, h.WFile = bufio.NewReader(conn), conn
}

// timed is a connection whose other end has only so much time.
type timed struct {
	net.Conn
	timeout time.Duration
	reading atomic.Bool // since the last Write
}

func (c *timed) Read(p []byte) (int, error) {
	if !c.reading.Swap(true) {
		c.SetReadDeadline(time.Now().Add(c.timeout))
	}
	return c.Conn.Read(p)
}

func (c *timed) Write(p []byte) (int, error) {
	c.reading.Store(false)
	c.SetWriteDeadline(time.Now().Add(c.timeout))
	return c.Conn.Write(p)
}

// DatagramRequestHandler lets a handler read a datagram, and write the one that
// answers it, as StreamRequestHandler does with a connection.
type DatagramRequestHandler struct {
	BaseRequestHandler
	Packet []byte
	Socket net.PacketConn // of the server

	RFile *bufio.Reader // of Packet
	WFile *bytes.Buffer // the answer, of at most 65,507 bytes over UDP
}

// Setup makes RFile and WFile. A handler that hides it calls it.
func (h *DatagramRequestHandler) Setup() {
	datagram := h.Request.(*Datagram)
	h.Packet, h.Socket = datagram.Packet, datagram.Socket
	h.RFile = bufio.NewReaderSize(datagram, len(h.Packet)+1)
	h.WFile = &bytes.Buffer{}
}

// Finish sends what was written to WFile, be it nothing, as one datagram. It
// panics if that cannot be sent.
func (h *DatagramRequestHandler) Finish() {
	if _, err := h.Request.Write(h.WFile.Bytes()); err != nil {
		panic(err)
	}
}
