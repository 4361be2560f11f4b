package socketserver

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"time"

	"fopnp/internal/py/socket"
)

// A RequestHandler handles one request. The server calls Setup, Handle and
// Finish. If Setup fails, it does not call the other two. After Handle, it
// always calls Finish, even if Handle has panicked. An error that one of them
// returns is reported and affects no other request: see BaseServer.HandleError.
// A handler type embeds BaseRequestHandler.
type RequestHandler interface {
	Setup() error
	Handle() error
	Finish() error

	base() *BaseRequestHandler
}

// BaseRequestHandler is what a handler knows of its request. Handler types
// embed it and hide its methods, which do nothing.
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

// StreamRequestHandler lets a handler read from its client and write to it as
// if they were files.
type StreamRequestHandler struct {
	BaseRequestHandler

	// Timeout, if it is not 0, replaces the timeout of the connection. Set it
	// before StreamRequestHandler's Setup is called.
	Timeout time.Duration

	// RFile reads from the client. It holds up to 4096 bytes that were not
	// read yet, so for a longer line ReadSlice returns bufio.ErrBufferFull.
	RFile *bufio.Reader

	// WFile sends everything that is written to it at once.
	WFile io.Writer
}

// Setup makes RFile and WFile. A handler type that hides Setup has to call it.
func (h *StreamRequestHandler) Setup() error {
	if h.Timeout > 0 {
		h.Connection.SetTimeout(h.Timeout)
	}
	h.RFile, h.WFile = bufio.NewReader(h.Connection), h.Connection
	return nil
}

// DatagramRequestHandler lets a handler read a datagram and write the answer to
// it as if they were files.
type DatagramRequestHandler struct {
	BaseRequestHandler
	Packet []byte
	Socket net.PacketConn // the server's

	RFile *bufio.Reader // reads Packet
	WFile *bytes.Buffer // the answer, at most 65,507 bytes over UDP
}

// Setup makes RFile and WFile. A handler type that hides Setup has to call it.
func (h *DatagramRequestHandler) Setup() error {
	datagram := h.Request.(*Datagram)
	h.Packet, h.Socket = datagram.Packet, datagram.Socket
	h.RFile = bufio.NewReaderSize(datagram, len(h.Packet)+1)
	h.WFile = &bytes.Buffer{}
	return nil
}

// Finish sends what was written to WFile as one datagram, even if that is
// nothing. A handler type that hides Finish has to call it.
func (h *DatagramRequestHandler) Finish() error {
	_, err := h.Request.Write(h.WFile.Bytes())
	return err
}
