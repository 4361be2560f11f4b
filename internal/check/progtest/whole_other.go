//go:build !linux

package progtest

import "testing"

// WholeLines skips the test: only Linux makes a pipe small.
func WholeLines(t *testing.T, name string, args ...string) { t.Skip("needs Linux's F_SETPIPE_SZ") }

// WholeLog skips the test.
func WholeLog(t *testing.T, name string, waits bool) { t.Skip("needs Linux's F_SETPIPE_SZ") }
