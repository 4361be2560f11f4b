//go:build !linux

package fopnp

import (
	"errors"
	"net"
	"time"

	"fopnp/internal/progtest"
)

func stamp(net.Conn) error { return nil }

func receive(conn net.Conn, buffer []byte) (int, time.Time, error) {
	n, err := conn.Read(buffer)
	return n, time.Now(), err
}

func taken(net.Conn) error { return errors.New("the command taken needs Linux") }

func stayOnOneProcessor() error { return nil }

func narrow(*progtest.Server) error { return nil }

func bereave(*progtest.Server, net.Conn) error {
	return errors.New("the command bereave needs Linux")
}
