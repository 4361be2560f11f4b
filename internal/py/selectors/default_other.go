//go:build unix && !linux

package selectors

// Default returns the best Selector of this system, as Python's DefaultSelector
// does: the one that uses poll(2).
func Default() (Selector, error) { return NewPoll() }
