package slides

import (
	"net"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
)

// UCHandler is the handler of exercises 4 and 5. It handles datagrams as well
// as conversations. Its server decides which of them it gets.
type UCHandler struct {
	socketserver.BaseRequestHandler
}

func (h *UCHandler) Handle() error {
	if datagram, ok := h.Request.(*socketserver.Datagram); ok {
		HandleDatagram(datagram.Packet, datagram.Socket, h.ClientAddress)
	} else {
		HandleConversation(h.Connection, h.ClientAddress)
	}
	return nil
}

// HandleDatagram is the handle method of the slides' UCHandler over UDP. It
// prints the data of a datagram from remote, and sends it back through skt in
// upper case.
func HandleDatagram(data []byte, skt net.PacketConn, remote net.Addr) {
	program.Println(pyfmt.Bare(data))
	if _, err := skt.WriteTo(pyfmt.Upper(data), remote); err != nil {
		program.Complain("answer "+pyfmt.Addr(remote), err)
	}
}
