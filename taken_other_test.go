//go:build !linux

package fopnp

import (
	"errors"
	"net"
)

func taken(net.Conn) error { return errors.New("the command taken needs Linux") }
