//go:build !linux

package progtest

import "testing"

// FullBacklog skips the test. We know that Linux drops connections for which a
// full backlog has no room, but not what other systems do.
func FullBacklog(t testing.TB) (port string) {
	t.Skip("needs Linux's backlog")
	return ""
}
