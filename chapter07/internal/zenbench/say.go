package zenbench

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"fopnp/internal/measured"
)

// vocabulary has the words of the chapter's page.
var vocabulary = measured.Vocabulary{
	Units: map[string]string{
		"cpu": CPU, "each": CPUEach, "rate": Rate, "median": Median, "p99": P99,
		"threads": Threads, "memory": Memory, "calls": Calls, "pause": Pause, "generator": GeneratorCPU,
	},
	InWords: inWords,
}

// The formats of numbers and tables.
var significant, thousands, table = measured.Significant, measured.Thousands, measured.Table

const none = measured.Nothing

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
	if len(words) == 2 && words[0] == "table" {
		if table, ok := tables[words[1]]; ok {
			return table(d), nil
		}
	}
	if len(words) == 2 && words[0] == "timeline" {
		for _, t := range d.Timelines {
			if t.Server == words[1] {
				return t.String(), nil
			}
		}
	}
	if len(words) == 3 && words[0] == "range" {
		return vocabulary.Range(&d.Data, Servers, words[1], words[2])
	}
	return vocabulary.Say(&d.Data, words...)
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
	return measured.Microseconds(value)
}

var tables = map[string]func(*Data) string{
	"workloads": workloads,
	"questions": questions,
	"costs":     costs,
	"waits":     waits,
	"processes": processes,
}

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
