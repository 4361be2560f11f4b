package socketserver

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"time"

	"fopnp/internal/py/socket"
)

// A RequestHandler handles one request: first Setup is called, then Handle,
// then, whatever Handle did, Finish. If one of them returns an error, it is
// reported and affects no other request: see BaseServer.HandleError. A handler
// type embeds BaseRequestHandler.
type RequestHandler interface {
	Setup() error
	Handle() error
	Finish() error

	base() *BaseRequestHandler
}

// BaseRequestHandler is what a handler knows of its request. Handler types embed
// it and hide its methods, which do nothing.
type BaseRequestHandler struct {
	Request       net.Conn             // Connection, or a *Datagram
	Connection    *socket.Conversation // nil if the request is a datagram
	ClientAddress net.Addr
	Server        Server
}

func (h *BaseRequestHandler) Setup() error  { return nil }
func (h *BaseRequestHandler) Handle() error { return nil }
func (h *BaseRequestHandler) Finish() error { return nil }

func (h *BaseRequestHandler) base() *BaseRequestHandler { return h }

// StreamRequestHandler lets a handler read from its client, and write to it, as
// from and to files.
type StreamRequestHandler struct {
	BaseRequestHandler

	// Timeout, if it is not 0, replaces the timeout of the connection. A
	// handler type that has one sets it before it calls this type's Setup.
	Timeout time.Duration

	// RFile holds up to 4096 bytes that were received and not read yet, so a
	// ReadSlice of a longer line returns bufio.ErrBufferFull.
	RFile *bufio.Reader

	// WFile sends at once, and whole.
	WFile io.Writer
}

// Setup makes RFile and WFile. A handler that hides it calls it.
func (h *StreamRequestHandler) Setup() error {
	if h.Timeout > 0 {
		h.Connection.SetTimeout(h.Timeout)
	}
	h.RFile, h.WFile = bufio.NewReader(h.Connection), h.Connection
	return nil
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
func (h *DatagramRequestHandler) Setup() error {
	datagram := h.Request.(*Datagram)
	h.Packet, h.Socket = datagram.Packet, datagram.Socket
	h.RFile = bufio.NewReaderSize(datagram, len(h.Packet)+1)
	h.WFile = &bytes.Buffer{}
	return nil
}

// Finish sends what was written to WFile, even if that is nothing, as one
// datagram.
func (h *DatagramRequestHandler) Finish() error {
	_, err := h.Request.Write(h.WFile.Bytes())
	return err
}
