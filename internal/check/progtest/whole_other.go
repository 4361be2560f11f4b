//go:build !linux

package progtest

import "testing"

// WholeLines skips the test, because only Linux can make a pipe small.
func WholeLines(t *testing.T, shelf string) { t.Skip("needs Linux's F_SETPIPE_SZ") }
