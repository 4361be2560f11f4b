package socket

import (
	"errors"
	"fmt"
	"io"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/program"
)

// MaxMessage is the most bytes that a message may have before its end mark.
const MaxMessage = 4096

// TooLong is the error of a message that does not end within limit bytes. It is
// named by its beginning.
func TooLong(message []byte, end byte, limit int) error {
	return fmt.Errorf("received %s... without %s in %d bytes",
		pyfmt.Bytes(message[:40]), pyfmt.Bytes([]byte{end}), limit)
}

// Why a program may end a conversation by itself.
var (
	ErrTimedOut = errors.New("timed out")
	ErrStopped  = errors.New("server stopped")
)

// Ended is the error of a conversation that ended because of why, after half
// of a message had come, or nothing of it. It is io.EOF when nothing is amiss:
// the other side hung up between messages, or the program stops.
func Ended(half []byte, why error) error {
	switch {
	case len(half) == 0 && (why == io.EOF || why == ErrStopped):
		return io.EOF
	case len(half) == 0:
		return errors.New(program.Why(why))
	case why == io.EOF:
		return fmt.Errorf("received %s then socket closed", pyfmt.Bytes(half))
	}
	return fmt.Errorf("received %s then %s", pyfmt.Bytes(half), program.Why(why))
}
