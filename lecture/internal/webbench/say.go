package webbench

import (
	"math"
	"slices"

	"fopnp/internal/measured"
)

// Say returns the text for a "measured" directive of a lecture's page. The
// words are those of measured.Vocabulary, or one of:
//
//	table workloads   the workloads, as a Markdown table
//	table web         what the web servers cost, as a Markdown table
//	table files       the same with file_server
//	python            the version of Python: Python 3.11.7
//
// The workloads and the servers are in the constants and variables of this
// package. The units are
//
//	cpu       of the server, for a request of small
//	rate      requests per second
//	cpu-gib   of the server, for a GiB of big or first
//	speed     GiB per second
//	peak      the most memory that the server had under small or big
//	memory    of a connection of idle
//	generator, generator-gib   of the clients
//	both-gib  of the server and the client, for a GiB of big
//
// If the machine has no Python with an http.server, Say returns "(not
// measured)" for words about Python. Say returns an error if the words are none
// of these, or if the data have no such value.
func (d *Data) Say(words ...string) (string, error) {
	if d.Python == "" && slices.Contains(words, Python) {
		return "(not measured)", nil
	}
	if len(words) == 1 && words[0] == "python" {
		return d.Python, nil
	}
	if len(words) == 2 && words[0] == "table" {
		switch words[1] {
		case "workloads":
			return workloads(), nil
		case "web":
			return d.costs(WebServer, NetHTTP, Python), nil
		case "files":
			return d.costs(servers...), nil
		}
	}
	return vocabulary.Say(&d.Data, words...)
}

var vocabulary = measured.Vocabulary{
	Units: map[string]string{
		"cpu": CPU, "rate": Rate, "cpu-gib": PerGiB, "speed": Speed,
		"peak": Peak, "memory": Memory,
		"generator": GeneratorCPU, "generator-gib": GeneratorPerGiB,
		"both-gib": BothPerGiB,
	},
	InWords: inWords,
}

// inWords formats a value with its unit.
func inWords(value float64, unit string) string {
	switch unit {
	case Rate:
		return measured.Thousands(value)
	case PerGiB, GeneratorPerGiB, BothPerGiB:
		return measured.Significant(value, 2) + " s"
	case Speed:
		return measured.Significant(value, 2) + " GiB"
	case Peak:
		return measured.Significant(value/(1<<20), 2) + " MiB"
	case Memory:
		return measured.Significant(value/(1<<10), 2) + " KiB"
	}
	return measured.Microseconds(value)
}

// names maps servers to their names in the tables, where these differ.
var names = map[string]string{
	NetHTTP: "Go's `net/http`", Python: "Python's `http.server`",
}

func workloads() string {
	var rows [][]string
	for _, w := range Workloads {
		rows = append(rows, []string{"`" + w.Name + "`", w.About})
	}
	return measured.Table([]string{"workload", "what it is"}, rows...)
}

// costs returns a table with a row for each server. Python has none if it was
// not measured.
func (d *Data) costs(servers ...string) string {
	var rows [][]string
	for _, server := range servers {
		if server == Python && d.Python == "" {
			continue
		}
		name, ok := names[server]
		if !ok {
			name = "`" + server + "`"
		}
		rows = append(rows, []string{
			name,
			d.cell("small", server, CPU),
			d.cell("small", server, Rate),
			d.cell("big", server, PerGiB),
			d.cell("big", server, Speed),
			d.cell("big", server, Peak),
			d.cell("idle", server, Memory),
		})
	}
	return measured.Table([]string{"server",
		"processor time for 1 KiB (`small`)", "requests per second",
		"processor time for 1 GiB (`big`)", "sent per second", "peak memory",
		"memory per silent client (`idle`)"}, rows...)
}

// cell returns a value for a table, or a dash if the data have none.
func (d *Data) cell(workload, server, unit string) string {
	value := d.Find(workload, 0, server).Best(unit)
	if math.IsNaN(value) {
		return measured.Nothing
	}
	return inWords(value, unit)
}
