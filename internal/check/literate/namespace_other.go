//go:build !linux

package literate

import "os/exec"

// Main must be the first thing that TestMain calls; what it does, it does on
// Linux.
func Main() { calledMain = true }

// isolate would give cmd a network of its own; here all share one.
func isolate(cmd *exec.Cmd, shared bool) bool {
	ownGroup(cmd)
	return false
}

// waitingSockets is for networks of one's own.
func waitingSockets(pid int) map[string]bool { return nil }
