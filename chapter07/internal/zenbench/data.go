// Package zenbench says what is asked of the Zen servers to find out what each
// costs, keeps what was found (see package zenload for the finding), and says
// it in the words of the chapter: in tables, and in figures that stand in the
// prose.
//
// A measurement is made in rounds. In every round each server has its turn
// with each workload, so that a state of the machine that lasts for seconds is
// spread over all of them; and of the rounds the one counts that was disturbed
// least: the lowest cost, the highest rate. Medians differ by a third from one
// run to the next on a machine that is shared, the best of seven rounds by a
// twentieth.
package zenbench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The units in which a round is reported. Their names are what benchstat shows.
const (
	CPU          = "server-µs/question"     // time of the server's process, user and system
	CPUEach      = "server-µs/conversation" // the same for a whole conversation
	Rate         = "questions/s"
	Median       = "p50-µs"   // half of the answers came within
	P99          = "p99-µs"   // all but one in a hundred
	P999         = "p99.9-µs" // all but one in a thousand
	Threads      = "threads"  // of the server's process, the runtime's own included
	Memory       = "B/client" // resident bytes for each client that is connected and silent
	Calls        = "calls/question"
	Pause        = "pause-µs"              // a garbage collection while the client was silent for a second
	GeneratorCPU = "generator-µs/question" // of the clients, to see that they were not the bottleneck
)

// units are all of them, in the order in which they are written.
var units = []string{CPU, CPUEach, Rate, Median, P99, P999, Threads, Memory, Calls, Pause, GeneratorCPU}

// A Sample is what one round found out about a server under a workload.
type Sample struct {
	Workload  string
	Clients   int // that ask
	Server    string
	Questions int // that were answered
	Errors    int // connections that broke, or were given a wrong answer
	Values    map[string]float64
}

// A Figure is what all rounds said of one value.
type Figure struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// A Measurement is what all rounds found out about a server under a workload.
type Measurement struct {
	Workload string            `json:"workload"`
	Clients  int               `json:"clients"`
	Server   string            `json:"server"`
	Rounds   int               `json:"rounds"`
	Errors   int               `json:"errors"`
	Figures  map[string]Figure `json:"figures"` // by unit
}

// Best returns the figure of the round that was disturbed least, or NaN if
// there is none: nobody was answered.
func (m Measurement) Best(unit string) float64 {
	figure, ok := m.Figures[unit]
	switch {
	case !ok:
		return math.NaN()
	case unit == Rate:
		return figure.Max
	}
	return figure.Min
}

// A Machine is where the data come from.
type Machine struct {
	Date       string `json:"date"`
	CPU        string `json:"cpu"`
	Processors int    `json:"processors"`
	Kernel     string `json:"kernel"`
	System     string `json:"system"`
	Go         string `json:"go"`
}

// Data are all that a run of the benchmark has found out.
type Data struct {
	Machine      Machine       `json:"machine"`
	Rounds       int           `json:"rounds"`
	Seconds      float64       `json:"seconds"` // from the beginning of the first to the end of the last
	Measurements []Measurement `json:"measurements"`
	Timelines    []Timeline    `json:"timelines"`
}

// Find returns a measurement, or an empty one.
func (d *Data) Find(workload string, clients int, server string) Measurement {
	for _, m := range d.Measurements {
		if m.Workload == workload && m.Server == server && (m.Clients == clients || clients == 0) {
			return m
		}
	}
	return Measurement{}
}

// Summarize makes measurements of samples, in the order in which each was first
// made.
func Summarize(samples []Sample) []Measurement {
	type place struct {
		workload string
		clients  int
		server   string
	}
	places := map[place]int{}
	var measurements []Measurement
	var values []map[string][]float64
	for _, s := range samples {
		p := place{s.Workload, s.Clients, s.Server}
		at, ok := places[p]
		if !ok {
			at = len(measurements)
			places[p] = at
			measurements = append(measurements, Measurement{Workload: s.Workload, Clients: s.Clients, Server: s.Server})
			values = append(values, map[string][]float64{})
		}
		measurements[at].Rounds++
		measurements[at].Errors += s.Errors
		for unit, value := range s.Values {
			values[at][unit] = append(values[at][unit], value)
		}
	}
	for at := range measurements {
		measurements[at].Figures = map[string]Figure{}
		for unit, all := range values[at] {
			slices.Sort(all)
			measurements[at].Figures[unit] = Figure{all[0], all[len(all)/2], all[len(all)-1]}
		}
	}
	return measurements
}

// WriteSamples writes samples as the lines of a Go benchmark, one a round, which
// benchstat reads.
func WriteSamples(w io.Writer, machine Machine, samples []Sample) error {
	var text strings.Builder
	system, architecture, _ := strings.Cut(machine.System, "/")
	fmt.Fprintf(&text, "goos: %s\ngoarch: %s\npkg: fopnp/chapter07\ncpu: %s\n", system, architecture, machine.CPU)
	fmt.Fprintf(&text, "kernel: %s\ngo: %s\ndate: %s\n", machine.Kernel, machine.Go, machine.Date)
	fmt.Fprintf(&text, "Unit %s better=higher\n", Rate)
	for _, s := range samples {
		fmt.Fprintf(&text, "%s\t%d", Name(s.Workload, s.Clients, s.Server), max(1, s.Questions))
		for _, unit := range units {
			if value, ok := s.Values[unit]; ok {
				fmt.Fprintf(&text, "\t%s %s", digits(value), unit)
			}
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Name is the benchmark's name of a measurement.
func Name(workload string, clients int, server string) string {
	return fmt.Sprintf("BenchmarkZen/%s/clients=%d/server=%s", workload, clients, server)
}

// digits writes a value with the four digits that mean something.
func digits(value float64) string {
	if value >= 1000 {
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.4g", value)
}

// MarshalJSON keeps of a figure the digits that mean something.
func (f Figure) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"min":%s,"median":%s,"max":%s}`, digits(f.Min), digits(f.Median), digits(f.Max)), nil
}

// Names of the files in a folder of data.
const (
	SamplesFile = "zen.txt"
	DataFile    = "zen.json"
)

// Load reads the data of a folder.
func Load(folder string) (*Data, error) {
	text, err := os.ReadFile(filepath.Join(folder, DataFile))
	if err != nil {
		return nil, err
	}
	data := new(Data)
	return data, json.Unmarshal(text, data)
}

// Save writes data and the samples that they sum up to a folder.
func (d *Data) Save(folder string, samples []Sample) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, DataFile), append(text, '\n'), 0o644); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(folder, SamplesFile))
	if err != nil {
		return err
	}
	defer file.Close()
	return WriteSamples(file, d.Machine, samples)
}
