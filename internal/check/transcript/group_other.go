//go:build !unix

package transcript

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
)

// supported returns an error that wraps [errors.ErrUnsupported]: without process
// groups, a session could not clean up.
func supported() error {
	return fmt.Errorf("transcripts do not run on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func startGroup(*exec.Cmd) (kill func(), err error) { return nil, supported() }

func whileNoneStarts(func() error) error { return supported() }
