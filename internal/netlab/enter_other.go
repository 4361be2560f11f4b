//go:build !linux

package netlab

import "errors"

// Main returns at once.
func Main(*Lab, map[string]Program) {}

// Enter returns an error, because a network needs Linux.
func (l *Lab) Enter(*Host, []string) (int, error) { return 1, errors.ErrUnsupported }
