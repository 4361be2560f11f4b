package zenbench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// unitNames maps the names that the chapter's page uses to units.
var unitNames = map[string]string{
	"cpu": CPU, "each": CPUEach, "rate": Rate, "median": Median, "p99": P99,
	"threads": Threads, "memory": Memory, "calls": Calls, "pause": Pause, "generator": GeneratorCPU,
}

// Say returns the text for a "measured" directive of the chapter's page. The words
// are one of:
//
//	value WORKLOAD[/CLIENTS] SERVER UNIT   a value with its unit: 4.6 µs
//	times WORKLOAD[/CLIENTS] SERVER UNIT WORKLOAD[/CLIENTS] SERVER UNIT
//	                                       the first value divided by the second: 2.3
//	more WORKLOAD[/CLIENTS] SERVER UNIT WORKLOAD[/CLIENTS] SERVER UNIT
//	                                       the first value minus the second: 3.1 µs
//	range WORKLOAD/CLIENTS UNIT            from the lowest to the highest value of the
//	                                       servers that served all clients: 5.1 µs to 6.0 µs
//	machine cpu|processors|kernel|go|date  where or when the data were recorded
//	rounds                                 how many rounds there were
//	minutes                                how long they took
//	table workloads|questions|costs|waits|processes
//	                                       a Markdown table
//	timeline SERVER                        as the command timeline prints it
//
// The units are cpu, each, rate, median, p99, threads, memory, calls, pause and
// generator; see the constants. CLIENTS may be left out if the workload has
// only one number of clients for the server. Say returns an error if the words are
// none of these, or if the data have no such value.
func (d *Data) Say(words ...string) (string, error) {
	if len(words) == 0 {
		return "", fmt.Errorf("the directive has no words")
	}
	what, args := words[0], words[1:]
	switch {
	case what == "value" && len(args) == 3:
		value, unit, err := d.value(args)
		if err != nil {
			return "", err
		}
		return inWords(value, unit), nil
	case (what == "times" || what == "more") && len(args) == 6:
		a, unit, err := d.value(args[:3])
		if err != nil {
			return "", err
		}
		b, _, err := d.value(args[3:])
		if err != nil {
			return "", err
		}
		if what == "more" {
			return inWords(a-b, unit), nil
		}
		return significant(a/b, 2), nil
	case what == "range" && len(args) == 2:
		return d.span(args[0], args[1])
	case what == "machine" && len(args) == 1:
		return d.Machine.say(args[0])
	case what == "rounds" && len(args) == 0:
		return strconv.Itoa(d.Rounds), nil
	case what == "minutes" && len(args) == 0:
		return significant(d.Seconds/60, 1), nil
	case what == "table" && len(args) == 1:
		if table, ok := tables[args[0]]; ok {
			return table(d), nil
		}
	case what == "timeline" && len(args) == 1:
		for _, t := range d.Timelines {
			if t.Server == args[0] {
				return t.String(), nil
			}
		}
	}
	return "", fmt.Errorf("unknown directive %q", strings.Join(words, " "))
}

// value returns the value that WORKLOAD[/CLIENTS] SERVER UNIT names, and its unit.
func (d *Data) value(words []string) (value float64, unit string, err error) {
	workload, count, _ := strings.Cut(words[0], "/")
	clients, _ := strconv.Atoi(count)
	unit = unitNames[words[2]]
	m := d.Find(workload, clients, words[1])
	value = m.Best(unit)
	if math.IsNaN(value) {
		err = fmt.Errorf("the data have no %s", strings.Join(words, " "))
	} else if clients == 0 && d.sizes(workload, words[1]) > 1 {
		err = fmt.Errorf("%s: how many clients? write %s/%d", strings.Join(words, " "), workload, m.Clients)
	}
	return value, unit, err
}

// span returns the lowest and the highest value of the servers that served all their
// clients.
func (d *Data) span(load, unit string) (string, error) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, server := range Servers {
		workload, count, _ := strings.Cut(load, "/")
		clients, _ := strconv.Atoi(count)
		if _, part := d.Find(workload, clients, server).PartServed(); part {
			continue
		}
		value, _, err := d.value([]string{load, server, unit})
		if err != nil {
			return "", err
		}
		low, high = min(low, value), max(high, value)
	}
	return inWords(low, unitNames[unit]) + " to " + inWords(high, unitNames[unit]), nil
}

// sizes counts the numbers of clients that a workload has for a server.
func (d *Data) sizes(workload, server string) (n int) {
	for _, m := range d.Measurements {
		if m.Workload == workload && m.Server == server {
			n++
		}
	}
	return n
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

// inWords formats a value with its unit.
func inWords(value float64, unit string) string {
	switch unit {
	case Rate:
		return thousands(value)
	case Threads:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case Memory:
		return significant(value/1024, 2) + " KiB"
	case Calls:
		return strconv.FormatFloat(value, 'f', 2, 64)
	}
	if value >= 1e6 {
		return significant(value/1e6, 2) + " s"
	}
	if value >= 1000 {
		return significant(value/1000, 2) + " ms"
	}
	return significant(value, 2) + " µs"
}

// significant formats a value with at least n significant digits.
func significant(value float64, n int) string {
	whole := 1
	if value >= 1 {
		whole = 1 + int(math.Log10(value))
	} else if value > 0 {
		whole = int(math.Floor(math.Log10(value))) + 1
	}
	return strconv.FormatFloat(value, 'f', max(0, n-whole), 64)
}

// thousands formats a rate with three significant digits: 192,000.
func thousands(value float64) string {
	unit := math.Pow(10, max(0, math.Floor(math.Log10(max(value, 1)))-2))
	digits := strconv.Itoa(int(math.Round(value/unit) * unit))
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

var tables = map[string]func(*Data) string{
	"workloads": workloads,
	"questions": questions,
	"costs":     costs,
	"waits":     waits,
	"processes": processes,
}

// table writes a Markdown table. A column whose cells begin with digits is aligned
// right.
func table(head []string, rows ...[]string) string {
	var s strings.Builder
	row := func(cells []string) { fmt.Fprintf(&s, "| %s |\n", strings.Join(cells, " | ")) }
	row(head)
	s.WriteByte('|')
	for column := range head {
		numbers := len(rows) > 0 && !slices.ContainsFunc(rows, func(row []string) bool {
			return row[column] != none && (row[column][0] < '0' || row[column][0] > '9')
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

const none = "–"

// cell returns a value for a table, or a dash if the data have none. Beside the
// cost of a question, it says how many clients the server served, if it did not
// serve all.
func (d *Data) cell(workload string, clients int, server, unit string) string {
	m := d.Find(workload, clients, server)
	value := m.Best(unit)
	if math.IsNaN(value) {
		return none
	}
	cell := inWords(value, unit)
	if served, ok := m.PartServed(); ok && unit == CPU {
		cell += fmt.Sprintf(" (%d served)", served)
	}
	return cell
}

func workloads(*Data) string {
	var rows [][]string
	for _, w := range Workloads {
		rows = append(rows, []string{"`" + w.Name + "`", w.About})
	}
	return table([]string{"workload", "what it is"}, rows...)
}

func questions(d *Data) string {
	var rows [][]string
	for _, server := range Servers {
		rows = append(rows, []string{
			"`" + server + "`",
			d.cell("steady", 1, server, CPU),
			d.cell("steady", 4, server, CPU),
			d.cell("steady", 100, server, CPU),
			d.calls(server),
			d.cell("steady", 100, server, Threads),
		})
	}
	return table([]string{"server", "1 client", "4 clients", "100 clients",
		"system calls, 64 clients", "threads of the process"}, rows...)
}

// calls returns how many system calls a question costs. It says how many
// clients asked, if these were not 64.
func (d *Data) calls(server string) string {
	m := d.Find("calls", 0, server)
	cell := d.cell("calls", 0, server, Calls)
	switch {
	case cell == none || m.Clients == 64:
		return cell
	case m.Clients == 1:
		return cell + " (1 client)"
	}
	return fmt.Sprintf("%s (%d clients)", cell, m.Clients)
}

func costs(d *Data) string {
	var rows [][]string
	for _, server := range Servers {
		rows = append(rows, []string{
			"`" + server + "`",
			d.cell("pipelined", 0, server, CPU),
			d.cell("churn", 0, server, CPUEach),
			d.cell("crowd", 10, server, CPU),
			d.cell("memory", 10_000, server, Memory),
		})
	}
	return table([]string{"server", "one of 16 questions (`pipelined`)", "a conversation of 3 (`churn`)",
		"a question, 10 of 10,000 ask (`crowd`)", "memory of a silent client"}, rows...)
}

func waits(d *Data) string {
	var rows [][]string
	for _, server := range Servers {
		rows = append(rows, []string{
			"`" + server + "`",
			d.cell("closed-loop", 32, server, P99),
			d.cell("beside-slow", 32, server, P99),
			d.cell("beside-slow", 32, server, Rate),
			d.cell("expensive", 20, server, Rate),
			d.cell("expensive", 20, server, P99),
		})
	}
	return table([]string{"server", "99 % of answers to 32 clients within", "the same, beside a slow client",
		"answers per second beside it", "answers per second that take 5 ms", "99 % of these within"}, rows...)
}

func processes(d *Data) string {
	var rows [][]string
	base := d.Find("iterative", 1, Servers[0]).Best(CPUEach)
	for _, server := range slices.Concat(Servers, InetdPair) {
		each := d.Find("iterative", 1, server).Best(CPUEach)
		if math.IsNaN(each) {
			continue
		}
		above := none
		if more := each - base; more > 0 {
			above = inWords(more, CPUEach)
		}
		rows = append(rows, []string{"`" + server + "`", inWords(each, CPUEach), above})
	}
	return table([]string{"server", "a conversation of one question", "more than `srv_single`"}, rows...)
}
