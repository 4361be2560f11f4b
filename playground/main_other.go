//go:build !linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

func begin() {}

func wire(args []string) int {
	if wantsHelp(args) {
		return help()
	}
	return failed(errors.ErrUnsupported)
}

func failed(error) int {
	fmt.Fprintf(os.Stderr, `playground: a network of hosts needs Linux, but this system is %s
On Windows, run it in WSL 2. On a Mac, run it in a Linux virtual machine or in Docker:
docker run --privileged -it -v "$PWD:/fopnp" -w /fopnp golang go run ./playground
`, runtime.GOOS)
	return 1
}
