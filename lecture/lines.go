package lecture

import (
	"bufio"
	"bytes"
	"io"

	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
)

// Lines is a conversation in lines. Each line ends in "\n" or, as telnet sends
// it, in "\r\n".
type Lines struct {
	*socket.Conversation
	received *bufio.Reader
}

// NewLines returns the conversation of sock in lines.
func NewLines(sock *socket.Conversation) *Lines {
	return &Lines{sock, bufio.NewReaderSize(sock, longestLine)}
}

// longestLine is the most bytes that a line may have, with its end.
const longestLine = framing.MaxMessage + len("\r\n")

// ReadLine starts the clock and returns the next line with its end. The line is
// valid until the next call. The errors are those of the function ReadLine.
func (l *Lines) ReadLine() ([]byte, error) {
	l.StartClock()
	return ReadLine(l.received)
}

// SendAll sends data, all of it. The error quotes what was not sent, and what
// had been received but not returned by ReadLine.
func (l *Lines) SendAll(data []byte) error {
	if err := l.Conversation.SendAll(data); err != nil {
		rest, _ := l.received.Peek(l.received.Buffered())
		return framing.Ended(rest, err)
	}
	return nil
}

// ReadLine returns the first line that comes from r, with its end. Bytes that
// come with it are lost, unless r is a bufio.Reader whose buffer holds the
// longest line.
//
// The error is io.EOF if the peer hung up between two lines, or the program
// stops. Otherwise it says why no line came, such as "timed out", and quotes
// the part of a line that had arrived. A line of more than framing.MaxMessage
// bytes, not counting its end, is an error as soon as these have arrived.
func ReadLine(r io.Reader) ([]byte, error) {
	received := bufio.NewReaderSize(r, longestLine)
	for searched := 0; ; {
		_, err := received.Peek(searched + 1) // wait for more
		line, _ := received.Peek(received.Buffered())
		end := bytes.IndexByte(line[searched:], '\n')
		if end >= 0 {
			line = line[:searched+end+len("\n")]
		}
		switch {
		case len(Chomp(line)) > framing.MaxMessage:
			return nil, framing.TooLong(line, '\n', framing.MaxMessage)
		case end >= 0:
			received.Discard(len(line))
			return line, nil
		case err == nil:
			searched = len(line)
			continue
		case err != io.EOF && program.Stopping().Err() != nil:
			err = program.ErrStopped
		}
		return nil, framing.Ended(line, err)
	}
}

// Chomp returns a line without its end.
func Chomp(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}
