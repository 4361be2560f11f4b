// Package argparse parses a listing's command line as Python's argparse parses
// the original's. Options may come before, between or after the arguments. -h
// prints the help and exits with status 0. A wrong call prints the usage and
// the reason to stderr and exits with status 2. Package pflag does the parsing.
//
// Source: https://docs.python.org/3/library/argparse.html
package argparse

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"fopnp/internal/serve/program"
)

// A Parser parses the command line of one program. Declare its arguments and
// options in the order of the usage, then call Parse once. In the help of an
// option or an optional argument, %(default)s stands for its default.
type Parser struct {
	description string
	options     *pflag.FlagSet
	arguments   []argument
	words       *words
}

// An argument is identified by its position. Optional arguments come last.
type argument struct {
	name, help string
	value      pflag.Value
	optional   bool
}

// New returns a Parser for a program that does what description says.
func New(description string) *Parser {
	options := pflag.NewFlagSet(program.Name(), pflag.ContinueOnError)
	options.SortFlags = false
	options.SetOutput(io.Discard)
	options.Usage = func() {}
	return &Parser{description: description, options: options}
}

// Argument declares a required argument. The empty string is a value like any
// other: as a server's host, it means every interface.
func (p *Parser) Argument(name, help string) *string {
	return positional(p, &value[string]{parse: anyWord}, name, help, false)
}

// OptionalArgument declares an argument whose default is word.
func (p *Parser) OptionalArgument(name, word, help string) *string {
	return positional(p, &value[string]{v: word, parse: anyWord}, name, help, true)
}

// Choice declares a required argument that must be one of choices.
func (p *Parser) Choice(name string, choices []string, help string) *string {
	v := &value[string]{metavar: "{" + strings.Join(choices, ",") + "}", parse: oneOf(choices)}
	return positional(p, v, name, help, false)
}

// OptionalCount declares an argument that is a whole number, 0 or more. Its
// default is n.
func (p *Parser) OptionalCount(name string, n int64, help string) *int64 {
	return positional(p, &value[int64]{v: n, parse: parseCount}, name, help, true)
}

// positional declares an argument that v parses.
func positional[T any](p *Parser, v *value[T], name, help string, optional bool) *T {
	p.arguments = append(p.arguments, argument{name, help, v, optional})
	return &v.v
}

// metavar returns what the usage shows for an argument: the words that it
// accepts, or its name.
func (a argument) metavar() string { return cmp.Or(a.value.Type(), a.name) }

// Flag declares an option without a value. It is true if the option is given.
func (p *Parser) Flag(name, help string) *bool {
	return p.options.BoolP(name, shorthand(name), false, help)
}

// shorthand returns name if it is a single letter. Pflag then accepts the
// option with one dash. Longer names get their second dash in doubleDashes.
func shorthand(name string) string {
	if len(name) == 1 {
		return name
	}
	return ""
}

// Parse parses os.Args. After -h, it ends the program with status 0. After a
// wrong call, it ends the program with status 2.
func (p *Parser) Parse() {
	err := p.parse(os.Args[1:])
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Print(p.help())
		os.Exit(0)
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s%s: error: %v\n", p.usage(), program.Name(), err)
		os.Exit(2)
	}
}

func (p *Parser) parse(args []string) error {
	if err := p.options.Parse(p.doubleDashes(args)); err != nil {
		return inArgparseWords(err)
	}
	var missing []string
	for i, a := range p.arguments {
		switch {
		case i < p.options.NArg():
			if err := a.value.Set(p.options.Arg(i)); err != nil {
				return fmt.Errorf("argument %s: %w", a.name, err)
			}
		case !a.optional:
			missing = append(missing, a.name)
		}
	}
	if p.words != nil && p.words.needed && p.options.NArg() <= len(p.arguments) {
		missing = append(missing, p.words.name)
	}
	if missing != nil {
		return errors.New("the following arguments are required: " + strings.Join(missing, ", "))
	}
	if p.options.NArg() > len(p.arguments) {
		extra := p.options.Args()[len(p.arguments):]
		if p.words == nil {
			return errors.New("unrecognized arguments: " + strings.Join(extra, " "))
		}
		p.words.given = extra
	}
	return nil
}

// doubleDashes adds a second dash to options such as -fix, because pflag knows
// them as --fix.
func (p *Parser) doubleDashes(args []string) []string {
	var doubled []string
	for i, arg := range args {
		if arg == "--" {
			return append(doubled, args[i:]...)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if arg[:min(1, len(arg))] == "-" && len(name) > 1 && p.options.Lookup(name) != nil {
			arg = "-" + arg
		}
		doubled = append(doubled, arg)
	}
	return doubled
}

// inArgparseWords turns an error of pflag into argparse's words.
func inArgparseWords(err error) error {
	var unknown *pflag.NotExistError
	var needs *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		dashes := "-"
		if unknown.GetSpecifiedShortnames() == "" {
			dashes = "--"
		}
		return errors.New("unrecognized arguments: " + dashes + unknown.GetSpecifiedName())
	case errors.As(err, &needs):
		return fmt.Errorf("argument -%s: expected one argument", needs.GetFlag().Name)
	case errors.As(err, &invalid):
		return fmt.Errorf("argument -%s: %w", invalid.GetFlag().Name, errors.Unwrap(invalid))
	}
	return err
}

// usage returns the line "usage: NAME [-h] [-p port] host".
func (p *Parser) usage() string {
	words := []string{"usage:", program.Name(), "[-h]"}
	p.options.VisitAll(func(option *pflag.Flag) {
		words = append(words, "["+inUsage(option)+"]")
	})
	for _, a := range p.arguments {
		if a.optional {
			words = append(words, "["+a.metavar()+"]")
		} else {
			words = append(words, a.metavar())
		}
	}
	if p.words != nil {
		words = append(words, p.words.inUsage())
	}
	return strings.Join(words, " ") + "\n"
}

// inUsage returns an option with its value, as in "-p port", or alone, as in
// "-e".
func inUsage(option *pflag.Flag) string {
	if option.Value.Type() == "bool" {
		return "-" + option.Name
	}
	return "-" + option.Name + " " + option.Value.Type()
}

// help returns the text that -h prints.
func (p *Parser) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", p.usage(), p.description)
	width := len("-h, --help  ") // of the first column
	for _, a := range p.arguments {
		width = max(width, len(a.metavar()))
	}
	if p.arguments != nil || p.words != nil {
		b.WriteString("\npositional arguments:\n")
	}
	for _, a := range p.arguments {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, a.metavar(), withDefault(a.help, a.value.String()))
	}
	if p.words != nil {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, p.words.metavar(), p.words.help)
	}
	fmt.Fprintf(&b, "\noptions:\n  %-*s  %s\n", width, "-h, --help", "show this help message and exit")
	takesTime := false
	p.options.VisitAll(func(option *pflag.Flag) {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, inUsage(option), withDefault(option.Usage, option.DefValue))
		takesTime = takesTime || option.Value.Type() == seconds
	})
	if takesTime {
		b.WriteString("\nYou can also give seconds as a duration, such as 500ms.\n")
	}
	return b.String()
}

func withDefault(help, value string) string {
	return strings.ReplaceAll(help, "%(default)s", value)
}
