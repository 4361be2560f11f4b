// Package zenbench defines the workloads of the Zen servers' benchmark, stores
// its results, and writes them as the chapter's tables and figures. Package
// zenload runs the workloads.
//
// The benchmark runs in rounds. In every round, each server has its turn with each
// workload, so a slow spell of the machine hits all servers alike. We report the
// best round: the lowest cost, the highest rate. On a shared machine, medians
// differ by a third from one run to the next, the best of seven rounds by a
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

// The units of a round's values, under the names that benchstat shows.
const (
	CPU           = "server-µs/question"     // user and system time of the server's process
	CPUEach       = "server-µs/conversation" // the same, for a whole conversation
	Rate          = "questions/s"            // answers that arrived
	Median        = "p50-µs"                 // half of the answers arrived within this time
	P99           = "p99-µs"                 // all but one in a hundred did
	P999          = "p99.9-µs"               // all but one in a thousand did
	Threads       = "threads"                // of the server's process, with those of Go's runtime
	ClientsServed = "clients-served"         // clients that got an answer, where conversations do not end
	Memory        = "B/client"               // resident bytes for each connected, silent client
	Calls         = "calls/question"         // system calls of the server's process
	Pause         = "pause-µs"               // a garbage collection while the client was silent for a second
	GeneratorCPU  = "generator-µs/question"  // processor time of the clients, which must not be the bottleneck
)

// units lists all units in the order in which samples are written.
var units = []string{CPU, CPUEach, Rate, Median, P99, P999, Threads, ClientsServed, Memory, Calls, Pause, GeneratorCPU}

// A Sample is the result of one round for one server, workload and number of
// clients.
type Sample struct {
	Workload  string
	Clients   int // how many ask
	Server    string
	Questions int                // answered
	Errors    int                // connections that broke or got a wrong answer
	Values    map[string]float64 // by unit
}

// A Figure sums up one value over all rounds.
type Figure struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// A Measurement sums up the samples of one server, workload and number of clients.
type Measurement struct {
	Workload string            `json:"workload"`
	Clients  int               `json:"clients"`
	Server   string            `json:"server"`
	Rounds   int               `json:"rounds"`
	Errors   int               `json:"errors"`
	Figures  map[string]Figure `json:"figures"` // by unit
}

// Best returns the value of the best round: the highest rate and the most clients
// served, or else the lowest value. It returns NaN if no round has one, for
// example because the server answered no question.
func (m Measurement) Best(unit string) float64 {
	figure, ok := m.Figures[unit]
	switch {
	case !ok:
		return math.NaN()
	case unit == Rate || unit == ClientsServed:
		return figure.Max
	}
	return figure.Min
}

// PartServed returns how many clients the server served, if these are fewer than
// the clients that asked. The others waited all the time.
func (m Measurement) PartServed() (served int, ok bool) {
	best := m.Best(ClientsServed)
	return int(best), best < float64(m.Clients)
}

// A Machine describes where and when the data were recorded.
type Machine struct {
	Date       string `json:"date"`
	CPU        string `json:"cpu"`
	Processors int    `json:"processors"`
	Kernel     string `json:"kernel"`
	System     string `json:"system"`
	Go         string `json:"go"`
}

// Data are the results of one run of the benchmark.
type Data struct {
	Machine      Machine       `json:"machine"`
	Rounds       int           `json:"rounds"`
	Seconds      float64       `json:"seconds"` // how long all rounds took
	Measurements []Measurement `json:"measurements"`
	Timelines    []Timeline    `json:"timelines"`
}

// Find returns a measurement, or an empty one if there is none. With 0 clients,
// it returns the first measurement of the workload and the server.
func (d *Data) Find(workload string, clients int, server string) Measurement {
	for _, m := range d.Measurements {
		if m.Workload == workload && m.Server == server && (m.Clients == clients || clients == 0) {
			return m
		}
	}
	return Measurement{}
}

// Summarize sums up samples as measurements, in the order in which each was first
// measured.
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

// WriteSamples writes samples in the format of Go benchmarks, one line each, for
// benchstat to read.
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

// Name returns the name of a measurement in the format of Go benchmarks.
func Name(workload string, clients int, server string) string {
	return fmt.Sprintf("BenchmarkZen/%s/clients=%d/server=%s", workload, clients, server)
}

// digits formats a value with four significant digits.
func digits(value float64) string {
	if value >= 1000 {
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.4g", value)
}

// MarshalJSON writes the values with their significant digits only.
func (f Figure) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"min":%s,"median":%s,"max":%s}`, digits(f.Min), digits(f.Median), digits(f.Max)), nil
}

// The files in a folder of data.
const (
	SamplesFile = "zen.txt"  // every sample, as WriteSamples writes it
	DataFile    = "zen.json" // the Data
)

// Load reads the data in a folder.
func Load(folder string) (*Data, error) {
	text, err := os.ReadFile(filepath.Join(folder, DataFile))
	if err != nil {
		return nil, err
	}
	data := new(Data)
	return data, json.Unmarshal(text, data)
}

// Save writes the data, and the samples that they sum up, to a folder, which it
// creates if needed.
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
