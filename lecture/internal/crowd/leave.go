package crowd

import (
	"errors"
	"fmt"
	"io"

	"fopnp/internal/serve/program"
	"fopnp/lecture"
)

// A Leave is how a client leaves a chat. The zero Leave belongs to a client
// that still takes part.
type Leave struct {
	Silent   bool // it sends no more, but may still hear
	Leaving  bool // it hears no more than what waits for it
	reported bool
}

// Disconnect handles a client that sends no more because of why. If that is a
// fault, Disconnect reports it in one line on stderr, but only the first fault
// of a client. If why is io.EOF, the client has closed its side between
// messages, and still hears the others. When such a client is gone, that is no
// fault. Disconnect reports whether the client took part until now: if so, the
// others may want to know.
func (l *Leave) Disconnect(addr string, why error) (tookPart bool) {
	fault := why != io.EOF && (!l.Silent || IsOurs(why))
	if fault && !l.reported {
		l.reported = true
		program.Complain("client "+addr, why)
	}
	tookPart, l.Silent = !l.Silent, true
	if why != io.EOF || program.Stopping().Err() != nil {
		l.Leaving = true
	}
	return tookPart
}

// IsOurs reports whether the server disconnects a client because of why.
// Otherwise, the client has ended the conversation.
func IsOurs(why error) bool {
	return errors.Is(why, program.ErrTimedOut) ||
		errors.Is(why, program.ErrStopped) ||
		errors.Is(why, lecture.ErrDoesNotRead)
}

// NotTaken returns the error of a client that was disconnected because of why,
// before it took the last bytes that were sent to it.
func NotTaken(bytes int, why error) error {
	return fmt.Errorf("%w before it took %d bytes", why, bytes)
}
