//go:build !unix

package conform

import (
	"errors"
	"os"
)

func signalGroup(int, os.Signal) error { return errors.ErrUnsupported }
