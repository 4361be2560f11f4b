// Playground brings up an internet of twelve hosts on this machine, in namespaces of
// Linux, and opens a shell on one of them.
//
// See README.md for a first walk through it. The table in topology.go says which
// hosts there are.
package main

import (
	"fmt"
	"os"
)

const usage = `usage: playground [HOST [COMMAND ...]]
       playground map [-svg]
       playground wire [NAME [delay 50ms] [loss 5%] [rate 1Mbit]]
       playground wire NAME perfect

Brings up an internet of twelve hosts on this machine and opens a shell on HOST,
which is h1 unless you name another. If you have a playground up already, it joins
that one. The playground is gone when the shell that brought it up exits.

With COMMAND, it runs that instead of a shell: one word is a line for the shell,
several words are a program and its arguments. The exit status is the command's.

  map         draws the hosts and the wires, as text or as a picture
  wire        shows what the wires do to packets
  wire NAME   makes a wire slow, lossy or narrow, or perfect again

On each host, ssh, scp and "playground HOST" lead to the others. This repository
is in /fopnp there. The passwords of root and brandon are abc123.

The environment variable PLAYGROUND names a second playground beside the first.
If PLAYGROUND_OWN is set, the hosts use the playground's own programs, such as
ping and inetd, even where the machine has them.

The playground is for learning. It is no security boundary.
`

func main() {
	begin()
	os.Exit(run(os.Args[1:]))
}

// run does what the arguments say and returns the exit status.
func run(args []string) int {
	if len(args) == 0 {
		return enter("h1", nil)
	}
	switch first, rest := args[0], args[1:]; first {
	case "-h", "--help", "help":
		fmt.Print(usage)
		return 0
	case "map":
		return printMap(rest)
	case "wire":
		return wire(rest)
	default:
		return enter(first, rest)
	}
}

func printMap(args []string) int {
	switch {
	case len(args) == 0:
		fmt.Print(textMap() + "\n" + table())
	case len(args) == 1 && args[0] == "-svg":
		fmt.Print(svgMap())
	default:
		return wrong(fmt.Errorf("unexpected arguments after map: %q", args))
	}
	return 0
}

// enter runs a command or a shell on a host.
func enter(name string, command []string) int {
	h := playground.Find(name)
	if h == nil {
		return wrong(fmt.Errorf("there is no host %q; the hosts are %s", name, playground.ShortNames()))
	}
	status, err := playground.Enter(h, command)
	if err != nil {
		return failed(err)
	}
	return status
}

// wrong reports that the command line is wrong.
func wrong(err error) int {
	fmt.Fprintf(os.Stderr, "playground: %v\nRun playground -h for help.\n", err)
	return 2
}
