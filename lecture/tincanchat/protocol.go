package tincanchat

import (
	"errors"
	"io"

	"fopnp/internal/py/asyncio"
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/framing"
	"fopnp/internal/serve/program"
	"fopnp/lecture/internal/crowd"
)

// A TimedFramer finds the messages in what a protocol on an event loop
// receives. It calls a function if the rest of a message does not come in the
// time of -t.
type TimedFramer struct {
	framing.Framer
	timer *asyncio.TimerHandle
}

// ParseRecvdData is the function ParseRecvdData for a TimedFramer. It may call
// late later, with the fault.
func (r *TimedFramer) ParseRecvdData(
	data []byte, loop *asyncio.Loop, late func(why error),
) ([]string, error) {
	msgs, err := ParseRecvdData(&r.Framer, data)
	half := len(r.Rest()) > 0
	if len(msgs) > 0 || !half {
		r.Forget()
	}
	if limit := socket.DefaultTimeout(); half && limit > 0 && r.timer == nil {
		r.timer = loop.CallLater(limit, func() {
			late(framing.Ended(r.Rest(), program.ErrTimedOut))
		})
	}
	return msgs, err
}

// Forget makes sure that late is not called any more.
func (r *TimedFramer) Forget() {
	if r.timer != nil {
		r.timer.Cancel()
		r.timer = nil
	}
}

// Lost returns the error of a client whose transport was lost because of why,
// or was closed if why is nil.
func (r *TimedFramer) Lost(why error) error {
	half := r.Rest()
	var unsent *framing.UnsentError
	switch {
	case errors.As(why, &unsent) && program.Hurrying().Err() != nil &&
		crowd.IsOurs(unsent.Why):
		return crowd.NotTaken(unsent.Unsent, program.ErrStopped)
	case unsent != nil && crowd.IsOurs(unsent.Why):
		return crowd.NotTaken(unsent.Unsent, unsent.Why)
	case unsent != nil:
		return framing.Ended(half, unsent.Why)
	case why != nil:
		return framing.Ended(half, why)
	case program.Stopping().Err() != nil:
		return framing.Ended(half, program.ErrStopped)
	}
	return framing.Ended(half, io.EOF)
}
