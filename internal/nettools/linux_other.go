//go:build !linux

package nettools

import (
	"fmt"
	"os"
	"runtime"
)

// PingMain reports that this system does not support it, and returns 1.
func PingMain([]string) int { return unsupported("ping") }

// TracerouteMain reports that this system does not support it, and returns 1.
func TracerouteMain([]string) int { return unsupported("traceroute") }

// TcpdumpMain reports that this system does not support it, and returns 1.
func TcpdumpMain([]string) int { return unsupported("tcpdump") }

// TelnetdMain reports that this system does not support it, and returns 1.
func TelnetdMain([]string) int { return unsupported("in.telnetd") }

func unsupported(name string) int {
	fmt.Fprintf(os.Stderr, "%s: start: not supported on %s\n", name, runtime.GOOS)
	return 1
}
