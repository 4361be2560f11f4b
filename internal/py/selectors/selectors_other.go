//go:build !unix

package selectors

import "fopnp/internal/py/socket"

// Default returns the error socket.ErrUnsupported.
func Default() (Selector, error) { return nil, socket.ErrUnsupported }

// NewPoll returns the error socket.ErrUnsupported.
func NewPoll() (Selector, error) { return nil, socket.ErrUnsupported }
