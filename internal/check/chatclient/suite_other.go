//go:build !linux

package chatclient

import "testing"

// Without a terminal of the test's own, there are no tests at a terminal.
var terminalTests map[string]func(*testing.T, Client)
