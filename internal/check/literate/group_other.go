//go:build !unix

package literate

import "os/exec"

// Where there are no process groups, console blocks are not run.

func ownGroup(cmd *exec.Cmd) {}

func killAll(cmd *exec.Cmd) { cmd.Process.Kill() }
