package kernel

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// Unread returns how many bytes have arrived on a connection and are still
// unread.
func Unread(fd int) int { n, _ := unix.IoctlGetInt(fd, unix.SIOCINQ); return n }

// Unsent returns how many bytes a program has sent on a connection without an
// acknowledgment yet: the peer has no room for them, or they are on their way.
func Unsent(fd int) int { n, _ := unix.IoctlGetInt(fd, unix.SIOCOUTQ); return n }

// Listens reports whether a TCP server listens at a port of 127.0.0.1. To find
// out by connecting, we would have to be one of its clients.
func Listens(port int) bool {
	local := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
	nobody := netip.AddrPortFrom(netip.IPv4Unspecified(), 0) // only a listener has this peer
	_, err := SideOf(local, nobody)
	return err == nil
}
