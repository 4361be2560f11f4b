//go:build !linux

package progtest

import "testing"

// FullBacklog skips the test. We know only that Linux drops connections for
// which a full backlog has no room.
func FullBacklog(t testing.TB) (port string) {
	t.Skip("needs Linux's backlog")
	return ""
}
