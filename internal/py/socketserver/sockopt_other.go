//go:build !unix && !windows

package socketserver

import "errors"

func setReuseAddress(uintptr, bool) error { return errors.ErrUnsupported }
func setQueueSize(uintptr, int) error     { return errors.ErrUnsupported }
