//go:build !unix

package main

import (
	"fopnp/internal/py/socket"
	"fopnp/internal/serve/program"
)

func main() { program.Fail("poll", socket.ErrUnsupported) }
