package lecture23

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"fopnp/internal/py/pyfmt"
)

// maxAnswerHeader is the longest header of an answer in bytes, with the empty
// line that ends it.
const maxAnswerHeader = 64 << 10

// errLongHeader is the error of an answer whose header is longer than
// maxAnswerHeader.
var errLongHeader = fmt.Errorf("the header is longer than %d bytes",
	maxAnswerHeader)

// ParseHeader parses the header of an answer, without the empty line that ends
// it, and returns the length of the page that follows. If the header gives no
// length, the length is -1, and the page lasts until the server hangs up. Names
// of fields may be in capitals or small letters.
//
// ParseHeader returns an error if header is not an HTTP header, if the status
// is not 200, if the length is not a number, if there are two lengths that
// differ, or if the page has a transfer encoding, which HTTP/1.0 does not
// allow. The error of a redirect names the Location.
func ParseHeader(header []byte) (length int64, err error) {
	if len(header)+len("\r\n\r\n") > maxAnswerHeader {
		return 0, errLongHeader
	}
	line, rest, _ := bytes.Cut(header, []byte("\n"))
	status, ok := parseStatusLine(string(line))
	if !ok {
		return 0, fmt.Errorf("no header: received %s", beginning(header))
	}
	fields := string(rest)
	for _, fold := range []string{"\n ", "\n\t"} { // one value, several lines
		fields = strings.ReplaceAll(fields, fold, "  ")
	}
	var location, coding string
	var lengths []string
	for line := range strings.Lines(fields) {
		name, value, isField := strings.Cut(line, ":")
		if !isField || name == "" || strings.ContainsAny(name, " \t\r\x00") {
			return 0, fmt.Errorf("bad header line %s", beginning([]byte(line)))
		}
		value = strings.Trim(value, " \t\r\n")
		switch strings.ToLower(name) {
		case "location":
			location = value
		case "transfer-encoding":
			coding = cmp.Or(value, coding)
		case "content-length":
			lengths = append(lengths, value)
		}
	}
	switch {
	case strings.HasPrefix(status, "3") && location != "":
		return 0, fmt.Errorf("%s (Location: %s)", status, pyfmt.Str(location))
	case !strings.HasPrefix(status, "200"):
		return 0, errors.New(status)
	case coding != "":
		return 0, fmt.Errorf("Transfer-Encoding %s in an answer to HTTP/1.0",
			pyfmt.Str(coding))
	}
	return parseLengths(lengths)
}

// parseStatusLine returns the code and the reason of a line such as
// "HTTP/1.0 404 Not Found".
func parseStatusLine(line string) (status string, ok bool) {
	version, status, _ := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
	code, _, _ := strings.Cut(status, " ")
	number, err := strconv.ParseUint(code, 10, 16)
	if !strings.HasPrefix(version, "HTTP/") || len(code) != 3 || err != nil {
		return "", false
	}
	return status, number >= 100
}

// parseLengths returns the length that all values of Content-Length give, or -1
// if there are none. A length too large for an int64 becomes the largest int64.
func parseLengths(values []string) (int64, error) {
	length := int64(-1)
	for _, value := range values {
		n, err := strconv.ParseUint(value, 10, 63)
		switch {
		case errors.Is(err, strconv.ErrRange) &&
			strings.Trim(value, "0123456789") == "":
			n = math.MaxInt64
		case err != nil:
			return 0, fmt.Errorf("Content-Length %s is not a number",
				pyfmt.Str(value))
		}
		if length >= 0 && length != int64(n) {
			return 0, fmt.Errorf("two lengths: %d and %d", length, n)
		}
		length = int64(n)
	}
	return length, nil
}

// NoHeader returns the error of an answer whose header is incomplete. Received
// is what has arrived, and why is the error that ended it, or nil. NoHeader
// returns nil if the rest may still arrive: if why is nil, and received is
// shorter than a header may be.
func NoHeader(received []byte, why error) error {
	switch {
	case why == nil && len(received) >= maxAnswerHeader:
		return errLongHeader
	case why == nil || len(received) == 0:
		return why
	}
	return fmt.Errorf("no header: received %s then %s", beginning(received),
		Reason(why))
}

// cutShort returns the error of a page that ended, because of why, after n
// bytes of length. The length is -1 if the header gave none.
func cutShort(n, length int64, why error) error {
	if length < 0 {
		return fmt.Errorf("received %d bytes then %s", n, Reason(why))
	}
	return fmt.Errorf("received %d of %d bytes then %s", n, length,
		Reason(why))
}

// beginning quotes the first bytes of data.
func beginning(data []byte) string {
	const most = 40
	if len(data) <= most {
		return pyfmt.Bytes(data)
	}
	return pyfmt.Bytes(data[:most]) + "..."
}

// ReadAnswer reads an answer from r and returns the page in it, which may have
// up to most bytes. If an answer has no header, all of it is the page.
//
// The error is that of ParseHeader, or one that says that the header or the
// page is too long, that the answer is cut short, or that there is none.
func ReadAnswer(r io.Reader, most int64) ([]byte, error) {
	answer := bufio.NewReaderSize(r, maxAnswerHeader)
	length := int64(-1)
	begin, err := answer.Peek(len("HTTP/"))
	if len(begin) == 0 {
		return nil, err
	}
	if string(begin) == "HTTP/" {
		header, err := readHeader(answer)
		if err != nil {
			return nil, err
		}
		if length, err = ParseHeader(header); err != nil {
			return nil, err
		}
	}
	end := most + 1
	if length >= 0 {
		end = min(end, length)
	}
	page, err := io.ReadAll(io.LimitReader(answer, end))
	n := int64(len(page))
	switch {
	case n > most || length > most:
		return nil, fmt.Errorf("the page has more than %d bytes", most)
	case err != nil:
		return nil, cutShort(n, length, err)
	case n < length:
		return nil, cutShort(n, length, io.EOF)
	}
	return page, nil
}

// readHeader returns the header of an answer, without the empty line that ends
// it.
func readHeader(answer *bufio.Reader) (header []byte, err error) {
	end := []byte("\r\n\r\n")
	for !bytes.HasSuffix(header, end) {
		line, err := answer.ReadSlice('\n')
		header = append(header, line...)
		if len(header) > maxAnswerHeader || err == bufio.ErrBufferFull {
			return nil, errLongHeader
		}
		if err != nil {
			return nil, NoHeader(header, err)
		}
	}
	return bytes.TrimSuffix(header, end), nil
}
