package argparse

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A value is what an option takes, or an argument is: one word, parsed into a T.
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
	if d, ok := any(v.v).(time.Duration); ok && v.metavar == "seconds" {
		return fmt.Sprint(d.Seconds())
	}
	return fmt.Sprint(v.v)
}

// option declares an option -name. Like argparse's it is one dash and one
// letter, or one dash and a whole word.
func option[T any](p *Parser, v *value[T], name, help string) *T {
	p.options.VarP(v, name, shorthand(name), help)
	return &v.v
}

// String declares an option -name that takes any word, called metavar in the
// usage, and is word when it is left out.
func (p *Parser) String(name, metavar, word, help string) *string {
	return option(p, &value[string]{word, metavar, anyWord}, name, help)
}

func anyWord(word string) (string, error) { return word, nil }

// oneOf is the parser of a word that must be one of choices.
func oneOf(choices []string) func(word string) (string, error) {
	return func(word string) (string, error) {
		if !slices.Contains(choices, word) {
			return "", fmt.Errorf("invalid choice: '%s' (choose from '%s')", word, strings.Join(choices, "', '"))
		}
		return word, nil
	}
}

// parseCount parses a count that can be rounded up, or doubled, and still be an
// int64.
func parseCount(word string) (int64, error) {
	n, err := strconv.ParseUint(word, 10, 62)
	if err != nil {
		return 0, fmt.Errorf("invalid count: '%s' (0 or more)", word)
	}
	return int64(n), nil
}

// Port declares an option -name that takes a port number, 0 to 65535.
func (p *Parser) Port(name string, port int, help string) *int {
	return option(p, &value[int]{port, "port", parsePort}, name, help)
}

func parsePort(word string) (int, error) {
	port, err := strconv.ParseUint(word, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("invalid port: '%s' (0 to 65535)", word)
	}
	return int(port), nil
}

// Seconds declares an option -name that takes a number of seconds, with or
// without a fraction, 0 or more.
func (p *Parser) Seconds(name string, d time.Duration, help string) *time.Duration {
	return option(p, &value[time.Duration]{d, "seconds", parseSeconds}, name, help)
}

func parseSeconds(word string) (time.Duration, error) {
	seconds, err := strconv.ParseFloat(word, 64)
	if err != nil || !(seconds >= 0 && seconds <= math.MaxInt32) {
		return 0, fmt.Errorf("invalid number of seconds: '%s'", word)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// Duration declares an option -name that takes a duration as Go writes it
// (200ms, 1.5s), 0 or more.
func (p *Parser) Duration(name string, d time.Duration, help string) *time.Duration {
	return option(p, &value[time.Duration]{d, "duration", parseDuration}, name, help)
}

func parseDuration(word string) (time.Duration, error) {
	d, err := time.ParseDuration(word)
	if err == nil && d < 0 {
		err = errors.New("negative")
	}
	if err != nil {
		return 0, fmt.Errorf("invalid duration: '%s' (as in 200ms or 1.5s)", word)
	}
	return d, nil
}
