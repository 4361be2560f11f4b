//go:build !linux

package progtest

import (
	"errors"
	"net"
	"time"
)

func Stamp(net.Conn) error { return nil }

func Receive(conn net.Conn, buffer []byte) (int, time.Time, error) {
	n, err := conn.Read(buffer)
	return n, time.Now(), err
}

func Taken(net.Conn) error { return errors.New("the command taken needs Linux") }

func StayOnOneProcessor() error { return nil }

func Narrow(*Server) error { return nil }

func Bereave(*Server, net.Conn) error {
	return errors.New("the command bereave needs Linux")
}
