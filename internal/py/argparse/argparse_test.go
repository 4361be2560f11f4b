package argparse

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// A call holds the values of a command line.
type call struct {
	Host, File, Root string
	Port             int
	Timeout, Cost    time.Duration
	Fix              bool
	Most             int64
}

func parse(args ...string) (call, error) {
	p := New("answers questions")
	host := p.Argument("host", "IP or hostname")
	file := p.OptionalArgument("file", "myData.txt", "what to fetch")
	port := p.Port("p", 1060, "TCP port (default 1060)")
	timeout := p.Seconds("t", time.Minute, "how long to wait")
	cost := p.Seconds("d", 0, "what an answer costs")
	root := p.Path("root", "folder", ".", "what to serve")
	fix := p.Flag("fix", "read while sending")
	most := p.Count("m", "bytes", 4096, "how many to accept")
	err := p.parse(args)
	return call{*host, *file, *root, *port, *timeout, *cost, *fix, *most}, err
}

func TestParse(t *testing.T) {
	plain := call{"ftp.example.com", "myData.txt", ".", 1060, time.Minute, 0, false, 4096}
	with := func(change func(*call)) call { c := plain; change(&c); return c }
	port0 := with(func(c *call) { c.Port = 0 })
	for _, test := range []struct {
		args []string
		want call
	}{
		{[]string{"ftp.example.com"}, plain},
		{[]string{""}, with(func(c *call) { c.Host = "" })},
		{[]string{"ftp.example.com", "-p", "0"}, port0},
		{[]string{"-p", "0", "ftp.example.com"}, port0},
		{[]string{"-p0", "ftp.example.com"}, port0},
		{[]string{"ftp.example.com", "-p=0"}, port0},
		{[]string{"-p", "1", "ftp.example.com", "-p", "0"}, port0},
		{[]string{"ftp.example.com", "-fix"}, with(func(c *call) { c.Fix = true })},
		{[]string{"ftp.example.com", "--fix"}, with(func(c *call) { c.Fix = true })},
		{[]string{"ftp.example.com", "-root", "/srv"}, with(func(c *call) { c.Root = "/srv" })},
		{[]string{"ftp.example.com", "-root=/srv"}, with(func(c *call) { c.Root = "/srv" })},
		{[]string{"ftp.example.com", "-m", "0"}, with(func(c *call) { c.Most = 0 })},
		{[]string{"-m", "100000000", "ftp.example.com"}, with(func(c *call) { c.Most = 100_000_000 })},
		{[]string{"ftp.example.com", "x"}, with(func(c *call) { c.File = "x" })},
		{[]string{"ftp.example.com", "--", "-fix"}, with(func(c *call) { c.File = "-fix" })},
		{[]string{"ftp.example.com", "-t", "0"}, with(func(c *call) { c.Timeout = 0 })},
		{[]string{"ftp.example.com", "-t", "1.5"}, with(func(c *call) { c.Timeout = 1500 * time.Millisecond })},
		{[]string{"ftp.example.com", "-t", "5s"}, with(func(c *call) { c.Timeout = 5 * time.Second })},
		{[]string{"ftp.example.com", "-t", "1m30s"}, with(func(c *call) { c.Timeout = 90 * time.Second })},
		{[]string{"ftp.example.com", "-t", "1e-9"}, with(func(c *call) { c.Timeout = 1 })},
		{[]string{"ftp.example.com", "-t", "1ns"}, with(func(c *call) { c.Timeout = 1 })},
		{[]string{"ftp.example.com", "-t", "2147483647"}, with(func(c *call) { c.Timeout = math.MaxInt32 * time.Second })},
		{[]string{"ftp.example.com", "-t", "0s"}, with(func(c *call) { c.Timeout = 0 })},
		{[]string{"ftp.example.com", "-t", "0.000"}, with(func(c *call) { c.Timeout = 0 })},
		{[]string{"ftp.example.com", "-d", "200ms"}, with(func(c *call) { c.Cost = 200 * time.Millisecond })},
		{[]string{"ftp.example.com", "-d", "0.29"}, with(func(c *call) { c.Cost = 290 * time.Millisecond })},
		{[]string{"ftp.example.com", "-d", "5"}, with(func(c *call) { c.Cost = 5 * time.Second })},
	} {
		got, err := parse(test.args...)
		if err != nil {
			t.Errorf("%q: %v", test.args, err)
		} else if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
	}
}

func TestWrongCalls(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "the following arguments are required: host"},
		{[]string{"a", "b", "c", "d"}, "unrecognized arguments: c d"},
		{[]string{"a", "-x"}, "unrecognized arguments: -x"},
		{[]string{"a", "--long"}, "unrecognized arguments: --long"},
		{[]string{"a", "-p"}, "argument -p: expected one argument"},
		{[]string{"a", "-p", "zen"}, "argument -p: invalid port: 'zen' (0 to 65535)"},
		{[]string{"a", "-p", "65536"}, "argument -p: invalid port: '65536' (0 to 65535)"},
		{[]string{"a", "-p", "-1"}, "argument -p: invalid port: '-1' (0 to 65535)"},
		{[]string{"a", "-root", ""}, "argument -root: invalid folder: '' (the name is empty)"},
		{[]string{"a", "-root="}, "argument -root: invalid folder: '' (the name is empty)"},
		{[]string{"a", "-m", "-1"}, "argument -m: invalid count: '-1' (0 or more)"},
		{[]string{"a", "-m", "1e6"}, "argument -m: invalid count: '1e6' (0 or more)"},
		{[]string{"a", "-t", ""}, "argument -t: " + invalidTime("")},
		{[]string{"a", "-t", "-1"}, "argument -t: " + invalidTime("-1")},
		{[]string{"a", "-t", "-1s"}, "argument -t: " + invalidTime("-1s")},
		{[]string{"a", "-t", "NaN"}, "argument -t: " + invalidTime("NaN")},
		{[]string{"a", "-t", "-Inf"}, "argument -t: " + invalidTime("-Inf")},
		{[]string{"a", "-t", "1e300"}, "argument -t: " + invalidTime("1e300")},
		{[]string{"a", "-t", "1e400"}, "argument -t: " + invalidTime("1e400")},
		{[]string{"a", "-t", "2147483648"}, "argument -t: " + invalidTime("2147483648")},
		{[]string{"a", "-t", "600000h"}, "argument -t: " + invalidTime("600000h")},
		{[]string{"a", "-t", "0x10p0"}, "argument -t: " + invalidTime("0x10p0")},
		{[]string{"a", "-t", "0X.00000000ap0"}, "argument -t: " + invalidTime("0X.00000000ap0")},
		{[]string{"a", "-t", "5 s"}, "argument -t: " + invalidTime("5 s")},
		{[]string{"a", "-d", "-5ms"}, "argument -d: " + invalidTime("-5ms")},
		{[]string{"a", "-d", "soon"}, "argument -d: " + invalidTime("soon")},
		{[]string{"a", "-t", "1e-10"}, "argument -t: '1e-10' is too short (the shortest time is 1ns)"},
		{[]string{"a", "-t", "9e-10"}, "argument -t: '9e-10' is too short (the shortest time is 1ns)"},
		{[]string{"a", "-t", "1e-400"}, "argument -t: '1e-400' is too short (the shortest time is 1ns)"},
		{[]string{"a", "-d", "0.1ns"}, "argument -d: '0.1ns' is too short (the shortest time is 1ns)"},
	} {
		_, err := parse(test.args...)
		if err == nil || err.Error() != test.want {
			t.Errorf("%q: got %v, want %s", test.args, err, test.want)
		}
	}
}

// invalidTime returns the error for a word that is not a time.
func invalidTime(word string) string {
	return "invalid time: '" + word + "' (seconds, such as 0.5, or a duration, such as 500ms)"
}

// A time can have a limit.
func TestSecondsUpTo(t *testing.T) {
	outside := func(word string) string {
		return "argument -a: invalid time: '" + word + "' (more than 0, and at most 60 seconds)"
	}
	for _, test := range []struct {
		word string
		want time.Duration
		err  string
	}{
		{"1ns", 1, ""},
		{"60", time.Minute, ""},
		{"1m", time.Minute, ""},
		{"0", 0, outside("0")},
		{"0s", 0, outside("0s")},
		{"61", 0, outside("61")},
		{"60.000000001", 0, outside("60.000000001")},
		{"-1", 0, "argument -a: " + invalidTime("-1")},
	} {
		p := New("Waits.")
		got := p.SecondsUpTo(time.Minute, "a", 5*time.Second, "how long to wait")
		why := ""
		err := p.parse([]string{"-a", test.word})
		if err != nil {
			why = err.Error()
		}
		if why != test.err || err == nil && *got != test.want {
			t.Errorf("-a %s: %v, %q; want %v, %q", test.word, *got, why, test.want, test.err)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"--help"}, {"ftp.example.com", "-h"}} {
		if _, err := parse(args...); !errors.Is(err, pflag.ErrHelp) {
			t.Errorf("%q: got %v, want help", args, err)
		}
	}
	defer func(args []string) { os.Args = args }(os.Args)
	os.Args = []string{"/usr/local/bin/client"}
	p := New("Asks three questions.")
	p.Argument("host", "IP or hostname")
	p.OptionalArgument("file", "", "what to fetch")
	p.Port("p", 1060, "TCP port (default 1060)")
	p.Seconds("t", time.Minute, "how long to wait (default %(default)s)")
	p.Flag("e", "cause an error")
	p.Count("m", "bytes", 4096, "how many to accept (default %(default)s)")
	want := `usage: client [-h] [-p port] [-t seconds] [-e] [-m bytes] host [file]

Asks three questions.

positional arguments:
  host          IP or hostname
  file          what to fetch

options:
  -h, --help    show this help message and exit
  -p port       TCP port (default 1060)
  -t seconds    how long to wait (default 60)
  -e            cause an error
  -m bytes      how many to accept (default 4096)

You can also give seconds as a duration, such as 500ms.
`
	if diff := cmp.Diff(want, p.help()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An argument may be one of several words, or a number.
func TestArguments(t *testing.T) {
	for _, test := range []struct {
		args  []string
		role  string
		count int64
		want  string // the error
	}{
		{[]string{"server"}, "server", 16, ""},
		{[]string{"client", "0"}, "client", 0, ""},
		{[]string{"-fix", "client", "1073741824"}, "client", 1 << 30, ""},
		{[]string{"client", "9223372036854775807"}, "client", 0, "argument bytecount: invalid count: '9223372036854775807' (0 or more)"},
		{[]string{"client", "many"}, "client", 0, "argument bytecount: invalid count: 'many' (0 or more)"},
		{[]string{"sever"}, "", 16, "argument role: invalid choice: 'sever' (choose from 'client', 'server')"},
		{nil, "", 16, "the following arguments are required: role"},
	} {
		p := New("gets deadlocked")
		role := p.Choice("role", []string{"client", "server"}, "which role to play")
		count := p.OptionalCount("bytecount", 16, "how many to send")
		p.Flag("fix", "receive while sending")
		err := p.parse(test.args)
		if *role != test.role || *count != test.count || (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%q: got %s, %d, %v; want %s, %d, %s", test.args, *role, *count, err, test.role, test.count, test.want)
		}
		if err == nil && !strings.Contains(p.help(), "[-fix] {client,server} [bytecount]\n") ||
			!strings.Contains(p.help(), "\n  {client,server}  which role to play\n  bytecount        how many") {
			t.Errorf("help:\n%s", p.help())
		}
	}
}

// Words are all arguments without a position of their own, wherever the options
// are.
func TestWords(t *testing.T) {
	for _, test := range []struct{ args, words []string }{
		{nil, nil},
		{[]string{"-p", "0"}, nil},
		{[]string{""}, []string{""}},
		{[]string{"waiter", "-p", "0", "wafer thin"}, []string{"waiter", "wafer thin"}},
		{[]string{"-p", "0", "--", "-p", "1"}, []string{"-p", "1"}},
	} {
		p := New("spews")
		words := p.Words("word", "what to spew")
		p.Port("p", 7739, "UDP port (default 7739)")
		if err := p.parse(test.args); err != nil {
			t.Errorf("%q: %v", test.args, err)
		}
		if diff := cmp.Diff(test.words, *words); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
	}
}

// NeededWords requires at least one word.
func TestNeededWords(t *testing.T) {
	p := New("asks hosts")
	hosts := p.NeededWords("host", "one or more")
	if err := p.parse(nil); err == nil || err.Error() != "the following arguments are required: host" {
		t.Errorf("got %v", err)
	}
	if err := p.parse([]string{"a", "b"}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, *hosts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if help := p.help(); !strings.Contains(help, " [-h] host [host ...]\n") || !strings.Contains(help, "\n  host          one or more\n") {
		t.Errorf("help:\n%s", help)
	}
}
