package socketserver

import (
	"net"

	"fopnp/internal/py/socket"
)

// A Request is a client that was accepted, or a datagram that came. It is passed
// on as a pointer because a goroutine that needs more than 2 KiB of stack once
// keeps 4, which is most of what a silent client costs.
type Request struct {
	net.Conn      // a *socket.Conversation or a *Datagram
	ClientAddress net.Addr

	reported bool // an error of its handler's
}

// failed reports whether err is an error, and the first one to the server.
func (r *Request) failed(server Server, err error) bool {
	if err != nil && !r.reported {
		r.reported = true
		server.HandleError(r, err)
	}
	return err != nil
}

// release closes this process's descriptor of a connection that a child has
// taken over.
func (r *Request) release() {
	if conversation, ok := r.Conn.(*socket.Conversation); ok {
		conversation.Release()
	}
}
