//go:build !linux

package nettools

// TelnetdMain reports that there is no telnet server on this system.
func TelnetdMain([]string) int { return unsupported("in.telnetd") }
