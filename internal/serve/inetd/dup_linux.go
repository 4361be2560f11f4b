package inetd

import "golang.org/x/sys/unix"

// dup makes descriptor to a copy of descriptor from.
func dup(from, to int) error { return unix.Dup3(from, to, 0) }
