//go:build unix && !linux

package selectors

// Default returns the best Selector that the system has: Python's
// DefaultSelector.
func Default() (Selector, error) { return NewPoll() }
