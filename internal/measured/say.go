package measured

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Vocabulary tells how the pages name and format the values of one benchmark.
type Vocabulary struct {
	Units   map[string]string                       // by the names that the pages use
	InWords func(value float64, unit string) string // formats a value with its unit
}

// Say returns the text for a "measured" directive of a page. The words are one
// of:
//
//	value WORKLOAD[/CLIENTS] SERVER UNIT   a value with its unit: 4.6 µs
//	times WORKLOAD[/CLIENTS] SERVER UNIT WORKLOAD[/CLIENTS] SERVER UNIT
//	                                       the first value divided by the second: 2.3
//	more WORKLOAD[/CLIENTS] SERVER UNIT WORKLOAD[/CLIENTS] SERVER UNIT
//	                                       the first value minus the second: 3.1 µs
//	machine cpu|processors|kernel|go|date  where or when the data were recorded
//	rounds                                 how many rounds there were
//	minutes                                how long they took
//
// CLIENTS may be left out if the workload has only one number of clients for
// the server. Say returns an error if the words are none of these, or if the
// data have no such value.
func (v Vocabulary) Say(d *Data, words ...string) (string, error) {
	if len(words) == 0 {
		return "", fmt.Errorf("the directive has no words")
	}
	what, args := words[0], words[1:]
	switch {
	case what == "value" && len(args) == 3:
		value, unit, err := v.Value(d, args)
		if err != nil {
			return "", err
		}
		return v.InWords(value, unit), nil
	case (what == "times" || what == "more") && len(args) == 6:
		a, unit, err := v.Value(d, args[:3])
		if err != nil {
			return "", err
		}
		b, _, err := v.Value(d, args[3:])
		if err != nil {
			return "", err
		}
		if what == "more" {
			return v.InWords(a-b, unit), nil
		}
		return Significant(a/b, 2), nil
	case what == "machine" && len(args) == 1:
		return d.Machine.say(args[0])
	case what == "rounds" && len(args) == 0:
		return strconv.Itoa(d.Rounds), nil
	case what == "minutes" && len(args) == 0:
		return Significant(d.Seconds/60, 1), nil
	}
	return "", fmt.Errorf("unknown directive %q", strings.Join(words, " "))
}

// Value returns the value that WORKLOAD[/CLIENTS] SERVER UNIT names, and its unit.
func (v Vocabulary) Value(d *Data, words []string) (value float64, unit string, err error) {
	workload, count, _ := strings.Cut(words[0], "/")
	clients, _ := strconv.Atoi(count)
	unit = v.Units[words[2]]
	m := d.Find(workload, clients, words[1])
	value = m.Best(unit)
	if math.IsNaN(value) {
		err = fmt.Errorf("the data have no %s", strings.Join(words, " "))
	} else if clients == 0 && d.sizes(workload, words[1]) > 1 {
		err = fmt.Errorf("%s: how many clients? write %s/%d", strings.Join(words, " "), workload, m.Clients)
	}
	return value, unit, err
}

// Range returns the text for the lowest and the highest value of some servers:
// 5.1 µs to 6.0 µs. load is WORKLOAD[/CLIENTS]. Servers that served only a part of
// their clients do not count.
func (v Vocabulary) Range(d *Data, servers []string, load, unit string) (string, error) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, server := range servers {
		workload, count, _ := strings.Cut(load, "/")
		clients, _ := strconv.Atoi(count)
		if _, part := d.Find(workload, clients, server).PartServed(); part {
			continue
		}
		value, _, err := v.Value(d, []string{load, server, unit})
		if err != nil {
			return "", err
		}
		low, high = min(low, value), max(high, value)
	}
	return v.InWords(low, v.Units[unit]) + " to " + v.InWords(high, v.Units[unit]), nil
}

func (m Machine) say(what string) (string, error) {
	switch what {
	case "cpu":
		return m.CPU, nil
	case "processors":
		return strconv.Itoa(m.Processors), nil
	case "kernel":
		return m.Kernel, nil
	case "go":
		return m.Go, nil
	case "date":
		return m.Date, nil
	}
	return "", fmt.Errorf("the data do not have the machine's %s", what)
}

// digits formats a value with four significant digits.
func digits(value float64) string {
	if value >= 1000 {
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.4g", value)
}

// Significant formats a value with at least n significant digits.
func Significant(value float64, n int) string {
	whole := 1
	if value >= 1 {
		whole = 1 + int(math.Log10(value))
	} else if value > 0 {
		whole = int(math.Floor(math.Log10(value))) + 1
	}
	return strconv.FormatFloat(value, 'f', max(0, n-whole), 64)
}

// Thousands formats a rate with three significant digits: 192,000.
func Thousands(value float64) string {
	unit := math.Pow(10, max(0, math.Floor(math.Log10(max(value, 1)))-2))
	digits := strconv.Itoa(int(math.Round(value/unit) * unit))
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// Microseconds formats a time in µs, in the unit that suits it: 4.6 µs, 4.6 ms
// or 4.6 s.
func Microseconds(value float64) string {
	if value >= 1e6 {
		return Significant(value/1e6, 2) + " s"
	}
	if value >= 1000 {
		return Significant(value/1000, 2) + " ms"
	}
	return Significant(value, 2) + " µs"
}

// Nothing stands in a table for a value that the data do not have.
const Nothing = "–"

// Table writes a Markdown table. A column whose cells begin with digits is aligned
// right.
func Table(head []string, rows ...[]string) string {
	var s strings.Builder
	row := func(cells []string) { fmt.Fprintf(&s, "| %s |\n", strings.Join(cells, " | ")) }
	row(head)
	s.WriteByte('|')
	for column := range head {
		numbers := len(rows) > 0 && !slices.ContainsFunc(rows, func(row []string) bool {
			return row[column] != Nothing && (row[column][0] < '0' || row[column][0] > '9')
		})
		s.WriteString("---")
		if numbers {
			s.WriteByte(':')
		}
		s.WriteByte('|')
	}
	s.WriteByte('\n')
	for _, cells := range rows {
		row(cells)
	}
	return s.String()
}
