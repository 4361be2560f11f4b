package main

import (
	"errors"
	"fmt"
	"os"

	"fopnp/internal/netlab"
	"fopnp/internal/netns"
)

// begin becomes one of the playground's processes, or one of its programs, if this
// process is to be one.
func begin() { netlab.Main(playground, programs) }

// wire shows what wires do to packets, or changes it.
func wire(args []string) int {
	text, err := playground.Wire(args)
	switch {
	case errors.Is(err, netlab.ErrNotUp):
		err = errors.New("no playground is up; start one with go run ./playground")
		return failed(err)
	case errors.Is(err, netlab.ErrUsage):
		return wrong(err)
	case err != nil:
		return failed(err)
	}
	fmt.Print(text)
	return 0
}

// failed reports an error. If the system does not let users have a network, it also
// says what they can do.
func failed(err error) int {
	fmt.Fprintln(os.Stderr, "playground:", err)
	var refusal *netns.Refusal
	if errors.As(err, &refusal) {
		fmt.Fprintf(os.Stderr, `To allow it: %s
Without the playground, everything else works: put localhost in the place of the
playground's hosts.
`, refusal.Remedy)
	}
	return 1
}
