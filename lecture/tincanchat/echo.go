package tincanchat

import (
	"bufio"
	"fmt"
	"io"
	"net"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/lecture"
)

// Complain reports a client of an echo server that got no echo because of err,
// or sent bytes after its one message, or both. It says nothing about a client
// that sent no byte at all.
func Complain(client net.Addr, rest []byte, err error) {
	switch {
	case len(rest) == 0 && (err == nil || err == io.EOF):
		return
	case err == nil:
		err = fmt.Errorf("received %s after its one message",
			pyfmt.Bytes(rest))
	case len(rest) > 0:
		err = fmt.Errorf("%w, and received %s after its one message", err,
			pyfmt.Bytes(rest))
	}
	lecture.Complain(client, err)
}

// RecvEcho waits for an echo and returns it. It can be longer than a message,
// because a server may put an address in front of it. The error says why no
// echo came, and what had been received of one.
func RecvEcho(sock *socket.Conversation) (string, error) {
	received := bufio.NewReaderSize(sock, lecture.LongestHeard)
	echo, err := received.ReadSlice(end)
	if err == bufio.ErrBufferFull {
		return "", framing.TooLong(echo, end, lecture.LongestHeard)
	} else if err != nil {
		return "", framing.Ended(echo, err)
	}
	return string(echo[:len(echo)-1]), nil
}
