package main

import (
	"errors"
	"fmt"
	"os"

	"fopnp/internal/netlab"
	"fopnp/internal/netns"
)

// begin turns this process into one of the playground's own processes or programs,
// if it was started as one. Then it does not return.
func begin() { netlab.Main(playground, programs) }

// wire shows what the wires do to packets, or changes one wire.
func wire(args []string) int {
	if wantsHelp(args) {
		return help()
	}
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

// failed reports an error and returns the exit status. If the system does not let the
// user create a network, it also says how to allow it.
func failed(err error) int {
	fmt.Fprintln(os.Stderr, "playground:", err)
	var refusal *netns.Refusal
	if errors.As(err, &refusal) {
		fmt.Fprintf(os.Stderr, `To allow it: %s
Everything else works without the playground: use localhost instead of the
playground's hosts.
`, refusal.Remedy)
	}
	return 1
}
