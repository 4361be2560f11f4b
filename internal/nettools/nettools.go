// Package nettools contains the programs that beginners in networking try first:
// ping, traceroute, host, telnet, nc, tcpdump, and the telnet server that inetd
// starts. Each is a function such as [HostMain], which gets the program's
// arguments and returns its exit status. They replace the well-known programs on
// machines that lack those. They support only some of the options, but these,
// and the output, follow the originals. With -h, each prints its usage.
//
// An error is one line, NAME: what: why. Then the status is 1, or 2 if the
// command line is wrong.
package nettools

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"fopnp/internal/serve/program"
)

// A tool is a program that parses its command line.
type tool struct {
	*pflag.FlagSet
	name string
}

// newTool returns a tool. Its usage line is "usage: name synopsis".
func newTool(name, synopsis string) tool {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SortFlags = false
	flags.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: %s %s\n%s", name, synopsis, flags.FlagUsages())
	}
	return tool{flags, name}
}

// parse parses the command line, which must contain from least to most arguments
// besides its options. If it does not, or if -h is among the options, ok is false
// and the program must return status.
func (t tool) parse(args []string, least, most int) (status int, ok bool) {
	err := t.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0, false
	case err == nil && t.NArg() < least:
		t.Usage()
		return 2, false
	case err == nil && t.NArg() > most:
		err = fmt.Errorf("unexpected argument %q", t.Arg(most))
		t.Usage()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", t.name, err)
		return 2, false
	}
	return 0, true
}

// fails prints why something failed, and returns exit status 1.
func (t tool) fails(what string, err error) int {
	t.complains(what, err)
	return 1
}

func (t tool) complains(what string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %s: %s\n", t.name, what, program.Why(err))
}

// printf prints to stdout. If that fails, the program exits with status 1,
// because it has nothing left to do.
func (t tool) printf(format string, args ...any) {
	if _, err := fmt.Printf(format, args...); err != nil {
		os.Exit(t.fails("write", err))
	}
}

// seconds declares an option that takes a number of seconds, such as 0.2.
func (t tool) seconds(letter string, d time.Duration, help string) *seconds {
	s := seconds(d)
	t.VarP(&s, longNames[letter], letter, help)
	return &s
}

// longNames are the options' long names, which pflag requires.
var longNames = map[string]string{"i": "interval", "W": "timeout", "w": "wait"}

// seconds is the value of an option in seconds.
type seconds time.Duration

func (s *seconds) String() string {
	return strconv.FormatFloat(time.Duration(*s).Seconds(), 'g', -1, 64)
}

func (s *seconds) Type() string { return "seconds" }

func (s *seconds) Set(text string) error {
	const most = 1e6 // 11 days
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= most) {
		return errors.New("not a number of seconds")
	}
	*s = seconds(n * float64(time.Second))
	return nil
}

// lookUp returns the first address of a host.
func lookUp(ctx context.Context, host string) (netip.Addr, error) {
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, err
	}
	return addresses[0].Unmap(), nil
}

// services returns the names of ports, by number and network, such as http for
// 80/tcp.
func services() map[string]string {
	names := map[string]string{}
	text, err := os.ReadFile("/etc/services")
	if err != nil {
		return names
	}
	for line := range strings.Lines(string(text)) { // http 80/tcp www # World Wide Web
		if f := strings.Fields(line); len(f) > 1 && f[0][0] != '#' && names[f[1]] == "" {
			names[f[1]] = f[0]
		}
	}
	return names
}
