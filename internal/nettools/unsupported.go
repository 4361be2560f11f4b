//go:build !linux

package nettools

import (
	"fmt"
	"os"
	"runtime"
)

func unsupported(name string) int {
	fmt.Fprintf(os.Stderr, "%s: start: not supported on %s\n", name, runtime.GOOS)
	return 1
}
