// Package slides holds the upper-case service that half of the slides' listings
// share: it sends back in upper case whatever a client sends, as a datagram or
// as a line.
//
// Source: Network Programming Using Python, TCP UPPER-CASE SOCKETSERVER
//
// What to notice: over UDP, a request is what arrives in one call. Over TCP, it
// is a line, wherever the segments begin and end. So some function has to find
// the end of the line: ReadLine does.
//
// What Go changes: a client that hangs up without the empty line that ends a
// session sends the original into a loop that prints empty lines for ever. Here
// the server reports this and every other fault in one line on stderr, and
// serves the next client. It prints bare what a client has sent, as in the
// slides, but it escapes control characters: a line cannot pass for two, nor
// clear the screen.
package slides

import (
	"errors"
	"io"
	"net"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// errNoEmptyLine is the error of a client that hung up between two lines. A
// session should end with an empty line.
var errNoEmptyLine = errors.New("hung up without an empty line")

// HandleConversation is the handle method of the slides' UCHandler over TCP. It
// answers each line that a client sends over sock in upper case, until an empty
// line ends the session. Then it closes sock.
func HandleConversation(sock *socket.Conversation, address net.Addr) {
	program.Println("Connected:", pyfmt.Addr(address))
	client := lecture.NewLines(sock)
	defer client.Close()
	for {
		data, err := client.ReadLine()
		if err == nil && len(lecture.Chomp(data)) == 0 {
			return
		}
		if err == nil {
			program.Println(pyfmt.Bare(lecture.Chomp(data)))
			err = client.SendAll(pyfmt.Upper(data))
		}
		if err == io.EOF && program.Stopping().Err() == nil {
			err = errNoEmptyLine
		}
		if err != nil {
			lecture.Complain(address, err)
			return
		}
	}
}
