package inetd

import (
	"net"

	"fopnp/internal/py/socket"
)

const name = "stdin"

func conversation() (net.Conn, error) { return nil, socket.ErrUnsupported }
func listener() (net.Listener, error) { return nil, socket.ErrUnsupported }
func openLog(string) error            { return socket.ErrUnsupported }
