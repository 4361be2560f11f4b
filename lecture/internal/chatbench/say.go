package chatbench

import (
	"fmt"
	"math"
	"strconv"

	"fopnp/internal/measured"
)

// Say returns the text for a "measured" directive of the chat's page. The words
// are those of measured.Vocabulary, or one of:
//
//	table workloads   the workloads, as a Markdown table
//	table costs       processor time for a delivery
//	table waits       times until the last client has a message
//	table stuck       costs and times beside a client that never reads
//	table memory      memory of a client, and messages in a segment
//	range WORKLOAD/CLIENTS UNIT   from the lowest to the highest value of the servers
//	timeline SERVER   as chat_timeline draws it, with a client that never reads
//
// The workloads and the servers are in the variables of this package. The units
// are cpu, rate, median, p99, batch, memory and generator: see the constants.
// Say returns an error if the words are none of these, or if the data have no
// such value.
func (d *Data) Say(words ...string) (string, error) {
	if len(words) == 2 && words[0] == "table" {
		if table, ok := tables[words[1]]; ok {
			return table(d), nil
		}
	}
	if len(words) == 3 && words[0] == "range" {
		return vocabulary.Range(&d.Data, Servers, words[1], words[2])
	}
	if len(words) == 2 && words[0] == "timeline" {
		for _, t := range d.Timelines {
			if t.Server == words[1] {
				return t.String(), nil
			}
		}
	}
	return vocabulary.Say(&d.Data, words...)
}

var vocabulary = measured.Vocabulary{
	Units: map[string]string{
		"cpu": CPU, "rate": Rate, "median": Median, "p99": P99,
		"batch": Batch, "beside": Beside, "memory": Memory, "generator": GeneratorCPU,
	},
	InWords: inWords,
}

// inWords formats a value with its unit.
func inWords(value float64, unit string) string {
	switch unit {
	case Rate:
		return measured.Thousands(value)
	case Batch:
		return strconv.FormatFloat(1/value, 'f', 1, 64) // messages in a segment
	case Memory:
		return measured.Significant(value/(1<<10), 2) + " KiB"
	}
	return measured.Microseconds(value)
}

// A column of a table has one value of each server.
type column struct {
	head, workload string
	clients        int
	unit           string
}

var tables = map[string]func(*Data) string{
	"workloads": func(*Data) string {
		var rows [][]string
		for _, w := range Workloads {
			rows = append(rows, []string{"`" + w.Name + "`", w.About})
		}
		return measured.Table([]string{"workload", "what it is"}, rows...)
	},
	"costs": (*Data).costs,
	"waits": func(d *Data) string {
		return d.table(
			column{"one of 100 speaks: half within", "one", 100, Median},
			column{"99 % within", "one", 100, P99},
			column{"one of 1,000: half within", "one", 1000, Median},
			column{"twenty of 100 speak: half within", "twenty", 100, Median},
			column{"99 % within", "twenty", 100, P99},
			column{"twenty of 1,000: half within", "twenty", 1000, Median})
	},
	"stuck": (*Data).besideStuck,
	"memory": func(d *Data) string {
		return d.table(
			column{"memory of a client (`memory`)", "memory", 1000, Memory},
			column{"messages in a segment, one of 100 speaks", "one", 100, Batch},
			column{"twenty of 100 speak", "twenty", 100, Batch},
			column{"twenty of 1,000 speak", "twenty", 1000, Batch})
	},
}

// table returns a table with a row for each server.
func (d *Data) table(columns ...column) string {
	head := []string{"server"}
	for _, c := range columns {
		head = append(head, c.head)
	}
	var rows [][]string
	for _, server := range Servers {
		row := []string{"`" + server + "`"}
		for _, c := range columns {
			row = append(row, d.cell(c.workload, c.clients, server, c.unit))
		}
		rows = append(rows, row)
	}
	return measured.Table(head, rows...)
}

// cell returns a value for a table, or a dash if the data have none.
func (d *Data) cell(workload string, clients int, server, unit string) string {
	value := d.Find(workload, clients, server).Best(unit)
	if math.IsNaN(value) {
		return measured.Nothing
	}
	return inWords(value, unit)
}

// costs returns a table of what a delivery costs. The ratio to Base is in
// parentheses.
func (d *Data) costs() string {
	head := []string{"server"}
	var loads []column
	for _, workload := range []string{"one", "twenty"} {
		for _, clients := range sizes {
			loads = append(loads, column{workload: workload, clients: clients})
			text := measured.Thousands(float64(clients))
			if clients == sizes[0] {
				text = map[string]string{"one": "one speaks to ", "twenty": "twenty, or all, speak to "}[workload] + text
			}
			head = append(head, text)
		}
	}
	var rows [][]string
	for _, server := range Servers {
		row := []string{"`" + server + "`"}
		for _, c := range loads {
			cell := d.cell(c.workload, c.clients, server, CPU)
			base := d.Find(c.workload, c.clients, Base).Best(CPU)
			if ratio := d.Find(c.workload, c.clients, server).Best(CPU) / base; server != Base && !math.IsNaN(ratio) {
				cell += fmt.Sprintf(" (%.2f)", ratio)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	return measured.Table(head, rows...)
}

// besideStuck returns a table of what changes when a client never reads.
func (d *Data) besideStuck() string {
	loads := []column{
		{"one of 100 speaks: a delivery costs", "one", 100, CPU},
		{"the last client has half within", "one", 100, Median},
		{"twenty of 100 speak: a delivery costs", "twenty", 100, CPU},
		{"the last client has half within", "twenty", 100, Median},
	}
	head := []string{"server"}
	for _, c := range loads {
		head = append(head, c.head)
	}
	var rows [][]string
	for _, server := range Servers {
		row := []string{"`" + server + "`"}
		for _, c := range loads {
			row = append(row, d.cell(c.workload, c.clients, server, c.unit)+" → "+
				d.cell(c.workload+"-stuck", c.clients, server, c.unit))
		}
		rows = append(rows, row)
	}
	return measured.Table(head, rows...)
}
