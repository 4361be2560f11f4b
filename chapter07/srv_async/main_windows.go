package main

import (
	"fopnp/internal/program"
	"fopnp/internal/socket"
)

func main() { program.Fail("poll", socket.ErrUnsupported) }
