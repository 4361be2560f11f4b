// Even if the program is linked with the C library, Go looks names up itself.
//go:debug netdns=go

// Playground brings up an internet of twelve hosts on this machine, in Linux
// namespaces, and opens a shell on one of them.
//
// See README.md for a first walk through it. The table in topology.go lists the
// hosts.
package main

import (
	"fmt"
	"os"
)

const usage = `usage: playground [HOST [COMMAND ...]]
       playground map [-svg]
       playground wire [NAME [delay 50ms] [loss 5%] [rate 1Mbit]]
       playground wire NAME perfect

Starts an internet of twelve hosts on this machine and opens a shell on HOST
(default: h1). If you already have a playground, this command joins it. The
playground disappears when the shell that started it exits.

If you give a COMMAND, the playground runs it instead of a shell. A COMMAND of one
word is a line for the shell. Several words are a program and its arguments. The
exit status is that of the COMMAND.

  map         draws the hosts and the wires, as text or as an SVG picture (-svg)
  wire        shows what each wire does to packets
  wire NAME   makes a wire delay or lose packets, limits its rate, or makes it
              perfect again; settings that you do not name, such as an earlier
              delay, end

From each host, you can reach the others with ssh, scp and "playground HOST". Each
host has this repository in /fopnp. The password of root and of brandon is abc123.

To run a second playground beside the first, set the environment variable
PLAYGROUND to a name for it. If you set PLAYGROUND_OWN, the hosts use the
playground's own programs, such as ping and inetd, even if your machine has
others.

The playground is for learning. It is not a security boundary.
`

func main() {
	begin()
	os.Exit(run(os.Args[1:]))
}

// run carries out the command line and returns the exit status.
func run(args []string) int {
	if len(args) == 0 {
		return enter("h1", nil)
	}
	switch first, rest := args[0], args[1:]; first {
	case "-h", "--help", "help":
		return help()
	case "map":
		return printMap(rest)
	case "wire":
		return wire(rest)
	default:
		return enter(first, rest)
	}
}

// help prints the help and returns the exit status.
func help() int {
	fmt.Print(usage)
	return 0
}

// wantsHelp reports whether args, which follow map or wire, ask for help.
func wantsHelp(args []string) bool {
	return len(args) > 0 && (args[0] == "-h" || args[0] == "--help")
}

func printMap(args []string) int {
	switch {
	case wantsHelp(args):
		return help()
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

// wrong reports an error in the command line and returns the exit status.
func wrong(err error) int {
	fmt.Fprintf(os.Stderr, "playground: %v\nRun playground -h for help.\n", err)
	return 2
}
