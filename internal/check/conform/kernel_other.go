//go:build !linux

package conform

import "syscall"

var kernelChecks []Check

// Unread is empty, because its checks must know when the server closes a
// connection.
var Unread []Check

// MemoryBounded does nothing, because only Linux tells how much memory a
// process has had.
func (t *Trial) MemoryBounded() {}

// ExpectNoReset does nothing, because we know only how Linux reports a late
// reset.
func (c *Client) ExpectNoReset() {}

// Resident returns 0: see MemoryBounded.
func (t *Trial) Resident() int { return 0 }

// narrow leaves a socket as it is.
func narrow(_, _ string, _ syscall.RawConn) error { return nil }

// getsStuck considers a server stuck when the client cannot send to it any more.
func (c *Client) getsStuck(cannotSend bool) bool { return cannotSend }
