package lecture

import "errors"

// MaxWaiting is the most bytes that may wait for one client of a chat. A server
// throws out a client for which more wait, because memory is finite.
const MaxWaiting = 1 << 20

// ErrDoesNotRead is the error of a client for which more than MaxWaiting bytes
// wait.
var ErrDoesNotRead = errors.New("does not read, and a megabyte waits for it")
