package netlab

import "errors"

// ErrNotUp means that the user has no network up.
var ErrNotUp = errors.New("no network is up")

// ErrUsage means that the user asked for something that there is not.
var ErrUsage = errors.New("wrong usage")

// A Program is one that the hosts have if the machine does not have it. It gets the
// command line without its name and returns the exit status.
type Program func(args []string) int
