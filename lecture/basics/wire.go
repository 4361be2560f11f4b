package basics

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// A client asks for a file in one line, and the server answers in one line:
//
//	client: OFFSET NAME\n
//	server: LENGTH SHA256\n    then the bytes of the file from OFFSET on
//	    or: error: WHY\n
//
// Then the server closes the connection.

// A Request asks for a file.
type Request struct {
	Offset int64  // how many of its bytes the client has already
	Name   string // with slashes, below the server's folder
}

// ReceiveRequest returns the line that a client sends, with its end. The line
// is valid until the next receive. The error is io.EOF if the client hung up
// without sending anything, or the program stops. Otherwise it says why no line
// came, and quotes the part that had arrived.
func ReceiveRequest(client *socket.Conversation) ([]byte, error) {
	for {
		data, err := client.Recv()
		client.Received.Feed(data)
		line, tooLong := client.Received.Next('\n', "")
		switch {
		case line != nil || tooLong != nil:
			return line, tooLong
		case err != nil:
			return nil, framing.Ended(client.Received.Rest(), err)
		}
	}
}

// parseRequest parses a client's line, with its end. An offset that is too
// large for a file of this system becomes the largest one.
func parseRequest(line []byte) (r Request, err error) {
	offset, name, found := strings.Cut(
		strings.TrimSuffix(string(line), "\n"), " ")
	r.Offset, err = parseNumber(offset)
	switch {
	case errors.Is(err, strconv.ErrRange):
		r.Offset = math.MaxInt64
	case err != nil:
		return r, errors.New("the offset is not a number")
	}
	switch {
	case !found || name == "":
		return r, errors.New("there is no name")
	case strings.Contains(name, "\x00"):
		return r, errors.New("the name contains a NUL byte")
	case !utf8.ValidString(name):
		return r, errors.New("the name is not UTF-8")
	}
	r.Name = name
	return r, nil
}

// Line returns the line that asks for the file. It returns an error if the name
// does not fit into one line.
func (r Request) Line() ([]byte, error) {
	line := fmt.Appendf(nil, "%d %s\n", r.Offset, r.Name)
	switch {
	case strings.Contains(r.Name, "\n"):
		return nil, errors.New("the name contains a line feed")
	case len(line)-len("\n") > framing.MaxMessage:
		return nil, fmt.Errorf("the request has more than %d bytes",
			framing.MaxMessage)
	}
	return line, nil
}

// An Answer describes a file, whose bytes follow.
type Answer struct {
	Length int64  // of the whole file, in bytes
	SHA256 string // of the whole file, 64 hexadecimal digits
}

// Line returns the line of the answer.
func (a Answer) Line() []byte {
	line := make([]byte, 0, 96)
	line = append(strconv.AppendInt(line, a.Length, 10), ' ')
	return append(append(line, a.SHA256...), '\n')
}

// refusal begins the line of a server that does not send the file.
const refusal = "error: "

// RefusalLine returns the line that tells a client why it gets no file.
func RefusalLine(why error) []byte {
	return fmt.Appendf(nil, "%s%s\n", refusal, program.Why(why))
}

// A Refusal is the error of a server that does not send the file. It is the
// server's reason, with control characters escaped.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// parseAnswer parses a server's line, with its end. If the server says why it
// does not send the file, the error is a Refusal.
func parseAnswer(line []byte) (Answer, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if why, refused := bytes.CutPrefix(line, []byte(refusal)); refused {
		return Answer{}, Refusal(pyfmt.Bare(why))
	}
	length, sum, _ := strings.Cut(string(line), " ")
	n, errLength := parseNumber(length)
	raw, errSum := hex.DecodeString(sum)
	if errLength != nil || errSum != nil || len(raw) != sha256.Size {
		return Answer{}, fmt.Errorf("received %s, which is not an answer",
			pyfmt.Bytes(line))
	}
	return Answer{n, strings.ToLower(sum)}, nil
}

// ReceiveAnswer receives a server's line, and returns a reader for the bytes
// that follow it. The timeout covers the whole line. After that, it begins anew
// for each piece that is read.
func ReceiveAnswer(server *socket.Conversation) (Answer, io.Reader, error) {
	received := bufio.NewReaderSize(server, 2*framing.MaxMessage)
	line, err := lecture.ReadLine(received)
	if err != nil {
		return Answer{}, nil, err
	}
	answer, err := parseAnswer(line)
	rest, _ := received.Peek(received.Buffered())
	return answer, io.MultiReader(bytes.NewReader(rest), pieces{server}), err
}

// pieces reads from a peer whose timeout begins anew for each piece.
type pieces struct{ peer *socket.Conversation }

func (p pieces) Read(data []byte) (int, error) {
	p.peer.StartClock()
	return p.peer.Read(data)
}

// parseNumber parses decimal digits. Unlike strconv, it takes no sign.
func parseNumber(digits string) (int64, error) {
	if strings.Trim(digits, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(digits, 10, 64)
}
