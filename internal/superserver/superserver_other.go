//go:build !linux

package superserver

import (
	"fmt"
	"os"
	"runtime"
)

// Main reports that there is no super-server on this system and returns 1.
func Main([]string) int {
	fmt.Fprintf(os.Stderr, "inetd: start: not supported on %s\n", runtime.GOOS)
	return 1
}
