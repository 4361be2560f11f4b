package lecture23

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"fopnp/internal/py/socket"
)

// A Refusal is the error of a request whose answer is not a file.
type Refusal struct {
	Status string // as in the status line, such as "404 Not Found"
	Header string // more lines of the header, with their ends
	Fault  error  // what the server has to report, or nil
}

func (r *Refusal) Error() string { return r.Status }

const (
	statusBad      = "400 Bad Request"
	statusNotFound = "404 Not Found"
)

// ErrMethod refuses any method but GET and HEAD.
var ErrMethod = &Refusal{
	Status: "405 Method Not Allowed",
	Header: "Allow: GET, HEAD\r\n",
}

var errTooLarge = &Refusal{
	Status: "431 Request Header Fields Too Large",
	Fault:  fmt.Errorf("the header has more than %d bytes", maxHeader),
}

// badRequest returns the refusal of a request with a fault.
func badRequest(format string, a ...any) *Refusal {
	return &Refusal{Status: statusBad, Fault: fmt.Errorf(format, a...)}
}

// cannotOpen returns the refusal of a request whose file cannot be opened
// because of err.
func cannotOpen(err error) *Refusal {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return &Refusal{Status: "403 Forbidden"}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return &Refusal{Status: "503 Service Unavailable", Fault: err}
	}
	return &Refusal{Status: statusNotFound}
}

// Refuse ends a request that failed with err. If err is a *Refusal, Refuse
// sends it as the answer. It returns what the server has to report, which is
// nil if neither the client nor the server has done anything wrong.
func Refuse(client *socket.Conversation, request Request, err error) error {
	refusal, is := err.(*Refusal)
	if !is {
		if err == io.EOF {
			return nil
		}
		return err
	}
	body := refusal.Status + "\n"
	answer := fmt.Appendf(nil, "HTTP/1.0 %s\r\n"+
		"Content-Type: text/plain\r\n"+
		"Content-Length: %d\r\n"+
		"%s\r\n", refusal.Status, len(body), refusal.Header)
	if request.Method != "HEAD" {
		answer = append(answer, body...)
	}
	unsent := client.SendAll(answer)
	if refusal.Fault != nil {
		return refusal.Fault
	}
	return unsent
}
