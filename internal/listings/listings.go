// Package listings is the table of all listings: the name of each, its folder,
// how to start it, how it announces that it is ready, and what a visit to it
// shows. Tests, benchmarks and test.sh read it. To add a listing, write its
// folder, its script in testdata/ and one row of All.
package listings

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Kind says what a listing is for.
type Kind string

const (
	Server  Kind = "server"
	Client  Kind = "client"
	Both    Kind = "server and client" // its arguments decide
	Inetd   Kind = "inetd"             // a server that a super-server starts
	Tool    Kind = "tool"              // any other program
	Package Kind = "package"           // code that the programs of a shelf share
)

// A Stream is one of a program's outputs.
type Stream string

const (
	None   Stream = "" // the server reports no such client: anything that a client sends is a message, or a client need not send any
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// A Listing is one row of the table.
type Listing struct {
	Name  string // of its folder and of its program
	Shelf string // the folder that holds it, relative to the module's root: "lecture/slides"
	Kind  Kind

	// Network and Port are where a server listens unless its arguments say
	// otherwise, and where a client expects it. Network is "tcp" or "udp".
	Network string
	Port    int

	// Serve are the arguments that start a server, Ask those of a client. HOST
	// and PORT in them stand for the server's. Nil means HOST -p PORT.
	Serve, Ask []string

	// Ready matches the line that a server prints when it is ready for clients.
	// Its group is the port, if the line names it. Nil means Listening. Some
	// servers print the line only if their port was given as 0.
	Ready *regexp.Regexp

	// Beside is a program that must run beside a server. The server's option -n
	// says where it listens. Beside is "" for most servers.
	Beside string

	AtOnce    int    // how many conversations a server holds at once; 0 means no limit
	ServesOne bool   // a server that serves one client and ends
	Silent    bool   // a server that prints no line about a client, unless the client commits a fault
	Faults    Stream // where a server reports a client that leaves in the middle of a message
	Visit     Visit
}

// A Visit is what a client says to a server, and what one of them prints.
type Visit struct {
	Client string   // the listing that asks; if empty, there is no visit
	Words  []string // more arguments for it
	Typed  string   // its standard input

	// Says is what a client of a chat types first, if others are there to hear
	// it. Then it listens for a while before it goes on with Typed.
	Says string

	// Files are in the folder where server and client run, by their names.
	Files map[string]string

	// Prints are regular expressions, one for each line that the client prints,
	// in any order.
	Prints []string

	// AtServer is whether the server prints these lines, and the client nothing.
	AtServer bool
}

// besides matches what programs that run beside a server print when they are
// ready. For the groups, see Listing.Ready.
var besides = map[string]*regexp.Regexp{
	"nats-server": regexp.MustCompile(`(?s)Listening for client connections on \S*:(\d+)\n.*Server is ready\n`),
}

// Listening matches the line with which most servers announce that they are
// ready. Some print it only if their port was given as 0.
var Listening = regexp.MustCompile(`(?m)^` + listening + `\r?\n`)

const listening = `Listening at .*?(\d+)(?:, \d+, \d+)?[^\d\n]?`

// listeningOr matches Listening's line, and also line, which a server prints
// because its original does. If the server prints both, Listening's line comes
// first and names the port.
func listeningOr(line string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(?:` + listening + `|` + line + `)\r?\n`)
}

// Folder returns the listing's folder, relative to the module's root.
func (l Listing) Folder() string { return path.Join(l.Shelf, l.Name) }

// Script returns the file of the listing's script, relative to the module's
// root.
func (l Listing) Script() string { return path.Join("testdata", l.Shelf, l.Name+".txtar") }

// IsProgram reports whether the listing can be run.
func (l Listing) IsProgram() bool { return l.Kind != Package }

// IsServer reports whether the listing can be started as a server.
func (l Listing) IsServer() bool { return l.Kind == Server || l.Kind == Both }

// ServeArgs returns the arguments that make the program listen at host and port,
// followed by options.
func (l Listing) ServeArgs(host, port string, options ...string) []string {
	return arguments(l.Serve, host, port, options)
}

// AskArgs returns the arguments that make the program a client of the server at
// host and port, followed by options.
func (l Listing) AskArgs(host, port string, options ...string) []string {
	return arguments(l.Ask, host, port, options)
}

func arguments(template []string, host, port string, options []string) []string {
	if template == nil {
		template = []string{"HOST", "-p", "PORT"}
	}
	var args []string
	for _, word := range template {
		args = append(args, strings.NewReplacer("HOST", host, "PORT", port).Replace(word))
	}
	return append(args, options...)
}

// Find returns the listing with the given name.
func Find(name string) (l Listing, found bool) {
	i := slices.IndexFunc(All, func(l Listing) bool { return l.Name == name })
	if i < 0 {
		return Listing{}, false
	}
	return All[i], true
}

// On returns the listings of the given kinds on a shelf, or on all shelves if
// shelf is empty, in the order of the table. Without kinds it returns all.
func On(shelf string, kinds ...Kind) []Listing {
	var found []Listing
	for _, l := range All {
		if (shelf == "" || l.Shelf == shelf) && (kinds == nil || slices.Contains(kinds, l.Kind)) {
			found = append(found, l)
		}
	}
	return found
}

// Names returns the names of listings, in their order.
func Names(listings []Listing) []string {
	var names []string
	for _, l := range listings {
		names = append(names, l.Name)
	}
	return names
}

// Ready reports whether the server with the given name announces in its output
// that it is ready, and returns the port where it listens, if the announcement
// names it. Ready expects a program that is not in the table to announce itself
// as most servers do.
func Ready(name, output string) (port string, ok bool) {
	ready := Listening
	name = strings.TrimSuffix(name, ".exe")
	if l, found := Find(name); found && l.Ready != nil {
		ready = l.Ready
	} else if r := besides[name]; r != nil {
		ready = r
	}
	match := ready.FindStringSubmatch(output)
	if match == nil {
		return "", false
	}
	return match[1], true
}
