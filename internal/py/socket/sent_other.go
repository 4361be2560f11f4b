//go:build !linux

package socket

import "net"

// allSent reports whether the peer's system has all that was sent. This system
// does not tell.
func allSent(net.Conn) bool { return false }
