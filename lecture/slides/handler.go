package slides

import (
	"fmt"
	"net"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
)

// UCHandler is the handler of exercises 4 and 5. It serves datagrams and
// conversations: which of the two, is for its server to say.
type UCHandler struct {
	socketserver.BaseRequestHandler
}

func (h *UCHandler) Handle() {
	switch request := h.Request.(type) {
	case *socketserver.Datagram:
		HandleDatagram(request.Packet, request.Socket, h.ClientAddress)
	default:
		HandleConversation(request, h.ClientAddress)
	}
}

// NewUCHandler makes a UCHandler.
func NewUCHandler(
	base socketserver.BaseRequestHandler,
) socketserver.RequestHandler {
	return &UCHandler{base}
}

// HandleDatagram is the handle method of the slides' UCHandler over UDP: it
// prints the data of a datagram that has come from remote, and sends it back
// through skt in upper case.
func HandleDatagram(data []byte, skt net.PacketConn, remote net.Addr) {
	fmt.Println(pyfmt.Bare(data))
	if _, err := skt.WriteTo(pyfmt.Upper(data), remote); err != nil {
		program.Complain("answer "+pyfmt.Addr(remote), err)
	}
}
