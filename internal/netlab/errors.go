package netlab

import "errors"

// ErrNotUp means that the user has not brought up a network.
var ErrNotUp = errors.New("no network is up")

// ErrUsage means that the user's command is wrong, such as one that names an unknown
// wire.
var ErrUsage = errors.New("wrong usage")

// A Program is a program that the hosts use if it is not installed on the machine. It
// gets the arguments of the command line and returns the exit status.
type Program func(args []string) int
