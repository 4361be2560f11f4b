//go:build !linux

package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// Main must be the first call of main, or of TestMain, in a program that calls
// [Start].
func Main() { calledMain = true }

func supported() error {
	return fmt.Errorf("no private networks on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func enter(*exec.Cmd, bool) error { return errors.ErrUnsupported }

// OpenTerminal returns the error errors.ErrUnsupported.
func OpenTerminal() (ours, theirs *os.File, err error) { return nil, nil, errors.ErrUnsupported }

// Listeners returns nil.
func (n *Network) Listeners() []Socket { return nil }

// Listeners returns nil.
func Listeners(pid int) []Socket { return nil }

// Runs returns false.
func (n *Network) Runs(pid int) bool { return false }
