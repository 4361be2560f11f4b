//go:build !linux

package chatclient

import "testing"

// terminalTests is nil, because only on Linux can a test open a terminal.
var terminalTests map[string]func(*testing.T, Client)
