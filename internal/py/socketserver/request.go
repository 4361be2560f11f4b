package socketserver

import (
	"net"

	"fopnp/internal/py/socket"
)

// A Request is an accepted connection or a received datagram. It is passed as a
// pointer to save stack: a goroutine that has once needed more than 2 KiB keeps
// 4 KiB, which is most of what a silent client costs.
type Request struct {
	net.Conn      // a *socket.Conversation or a *Datagram
	ClientAddress net.Addr

	reported bool // the server's HandleError got an error of the handler
}

// failed reports whether err is an error. The first error of a request goes to
// the server's HandleError.
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
