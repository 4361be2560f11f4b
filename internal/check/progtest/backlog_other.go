//go:build !linux

package progtest

import "testing"

// FullBacklog skips the test: only Linux is known to drop what a full backlog
// has no room for.
func FullBacklog(t testing.TB) (port string) {
	t.Skip("needs Linux's backlog")
	return ""
}
