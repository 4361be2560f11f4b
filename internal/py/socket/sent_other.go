//go:build !linux

package socket

import "net"

// unsentOf returns how much of what was sent the peer's system does not have
// yet. This system does not tell.
func unsentOf(net.Conn) (n int, known bool) { return 0, false }
