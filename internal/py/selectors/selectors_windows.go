package selectors

import "fopnp/internal/py/socket"

// Default returns socket.ErrUnsupported.
func Default() (Selector, error) { return nil, socket.ErrUnsupported }

// NewPoll returns socket.ErrUnsupported.
func NewPoll() (Selector, error) { return nil, socket.ErrUnsupported }
