package slides

import (
	"bufio"
	"bytes"
	"io"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
)

// Lines is a conversation in lines, each of which ends in "\n" or, as telnet
// sends it, in "\r\n".
type Lines struct {
	*socket.Conversation
	received *bufio.Reader
}

// NewLines has a conversation go on in lines.
func NewLines(sock *socket.Conversation) *Lines {
	return &Lines{sock, bufio.NewReaderSize(sock, longestLine)}
}

// longestLine is the most bytes that a line may have, with its end.
const longestLine = framing.MaxMessage + len("\r\n")

// ReadLine returns the next line with its end, for which it starts the clock.
// The line is valid until the next call. The errors are those of the function
// ReadLine.
func (l *Lines) ReadLine() ([]byte, error) {
	l.StartClock()
	return ReadLine(l.received)
}

// ReadLine returns the first line that comes from r, with its end. What came
// with it is lost, unless r is a bufio.Reader that holds a line of any length.
//
// The error is io.EOF when the other side hung up between two lines, or the
// program stops. It says what was received if a line had begun, why the
// connection broke, or "timed out". A line of more than framing.MaxMessage
// bytes is an error.
func ReadLine(r io.Reader) ([]byte, error) {
	line, err := bufio.NewReaderSize(r, longestLine).ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull || len(Chomp(line)) > framing.MaxMessage:
		return nil, framing.TooLong(line, '\n', framing.MaxMessage)
	case err == nil:
		return line, nil
	case err != io.EOF && program.Stopping().Err() != nil:
		err = program.ErrStopped
	}
	return nil, framing.Ended(line, err)
}

// Chomp returns a line less its end, if it has one.
func Chomp(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}
