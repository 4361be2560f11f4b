package lecture

import "errors"

// MaxWaiting is how many bytes may wait for a client of a chat at most. A client
// that does not take them is thrown out, because memory is finite.
const MaxWaiting = 1 << 20

// ErrDoesNotRead is the error of a client for which more would have to wait.
var ErrDoesNotRead = errors.New("does not read, and a megabyte waits for it")
