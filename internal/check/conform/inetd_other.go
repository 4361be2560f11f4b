//go:build !unix

package conform

import "os/exec"

// SuperServer returns nil: there is no inetd here.
func SuperServer(mode, name string) func(args ...string) *exec.Cmd { return nil }

// Main does nothing.
func Main() {}
