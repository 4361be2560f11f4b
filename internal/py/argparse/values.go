package argparse

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A value is the value of an option or argument: one word, parsed into a T.
type value[T any] struct {
	v       T
	metavar string
	parse   func(word string) (T, error)
}

func (v *value[T]) Set(word string) (err error) {
	v.v, err = v.parse(word)
	return err
}
func (v *value[T]) Type() string { return v.metavar }

func (v *value[T]) String() string {
	if d, ok := any(v.v).(time.Duration); ok && v.metavar == seconds {
		return fmt.Sprint(d.Seconds())
	}
	return fmt.Sprint(v.v)
}

// option declares an option -name: one dash and a letter, or, as in argparse,
// one dash and a whole word.
func option[T any](p *Parser, v *value[T], name, help string) *T {
	p.options.VarP(v, name, shorthand(name), help)
	return &v.v
}

// String declares an option -name that takes any word. The usage calls the word
// metavar. Its default is word.
func (p *Parser) String(name, metavar, word, help string) *string {
	return option(p, &value[string]{word, metavar, anyWord}, name, help)
}

// Path declares an option -name that takes the path of a file or folder, which
// is any word but the empty one. The usage calls it metavar. Its default is
// path.
func (p *Parser) Path(name, metavar, path, help string) *string {
	notEmpty := func(word string) (string, error) {
		if word == "" {
			return "", fmt.Errorf("invalid %s: '' (the name is empty)", metavar)
		}
		return word, nil
	}
	return option(p, &value[string]{path, metavar, notEmpty}, name, help)
}

func anyWord(word string) (string, error) { return word, nil }

// oneOf returns a function that parses a word and accepts only choices.
func oneOf(choices []string) func(word string) (string, error) {
	return func(word string) (string, error) {
		if !slices.Contains(choices, word) {
			return "", fmt.Errorf("invalid choice: '%s' (choose from '%s')", word, strings.Join(choices, "', '"))
		}
		return word, nil
	}
}

// parseCount parses a count. It is small enough to be rounded up or doubled as
// an int64.
func parseCount(word string) (int64, error) {
	n, err := strconv.ParseUint(word, 10, 62)
	if err != nil {
		return 0, fmt.Errorf("invalid count: '%s' (0 or more)", word)
	}
	return int64(n), nil
}

// Count declares an option -name that takes a whole number, 0 or more. The usage
// calls it metavar. Its default is n.
func (p *Parser) Count(name, metavar string, n int64, help string) *int64 {
	return option(p, &value[int64]{n, metavar, parseCount}, name, help)
}

// Port declares an option -name that takes a port number, 0 to 65535. Its
// default is port.
func (p *Parser) Port(name string, port int, help string) *int {
	return option(p, &value[int]{port, "port", parsePort}, name, help)
}

// PortArgument declares a required argument that is a port number, 1 to 65535.
func (p *Parser) PortArgument(name, help string) *int {
	return positional(p, &value[int]{parse: parsePeersPort}, name, help, false)
}

// parsePeersPort parses the port of a peer. Port 0 has no meaning there.
func parsePeersPort(word string) (int, error) {
	port, err := parsePort(word)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("invalid port: '%s' (1 to 65535)", word)
	}
	return port, nil
}

func parsePort(word string) (int, error) {
	port, err := strconv.ParseUint(word, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("invalid port: '%s' (0 to 65535)", word)
	}
	return int(port), nil
}

// Seconds declares an option -name that takes a time of 0 or more: a number of
// seconds (5, 0.5) or a duration (5s, 500ms). Its default is d. The shortest
// time above 0 is a nanosecond. Anything shorter is an error, because 0 often
// means "no limit". The longest time is 68 years, the most seconds that 31 bits
// can count.
func (p *Parser) Seconds(name string, d time.Duration, help string) *time.Duration {
	return option(p, &value[time.Duration]{d, seconds, parseSeconds}, name, help)
}

// SecondsUpTo is like Seconds, but the time must be more than 0, and at most
// longest.
func (p *Parser) SecondsUpTo(
	longest time.Duration, name string, d time.Duration, help string,
) *time.Duration {
	parse := func(word string) (time.Duration, error) {
		d, err := parseSeconds(word)
		if err == nil && (d == 0 || d > longest) {
			err = fmt.Errorf("invalid time: '%s' (more than 0, and at most %v seconds)",
				word, longest.Seconds())
		}
		return d, err
	}
	return option(p, &value[time.Duration]{d, seconds, parse}, name, help)
}

// seconds is the metavar of a time.
const seconds = "seconds"

func parseSeconds(word string) (time.Duration, error) {
	const longest = math.MaxInt32 * time.Second
	d, err := time.ParseDuration(word)
	hex := strings.ContainsAny(word, "xX") // Python does not accept hex numbers either
	if number, notNumber := strconv.ParseFloat(word, 64); notNumber == nil && !hex {
		d, err = -1, nil
		if number >= 0 && number <= longest.Seconds() { // NaN is neither
			d = time.Duration(math.Round(number * float64(time.Second)))
		}
		if number < time.Nanosecond.Seconds() {
			d = min(d, 0)
		}
	}
	switch {
	case err != nil || d < 0 || d > longest:
		return 0, fmt.Errorf("invalid time: '%s' (seconds, such as 0.5, or a duration, such as 500ms)", word)
	case d == 0 && strings.ContainsAny(word, "123456789"):
		return 0, fmt.Errorf("'%s' is too short (the shortest time is 1ns)", word)
	}
	return d, nil
}
