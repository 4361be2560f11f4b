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
	"io"

	"fopnp/internal/measured"
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
	ClientsServed = measured.ClientsServed   // clients that got an answer, where conversations do not end
	Memory        = "B/client"               // resident bytes for each connected, silent client
	Calls         = "calls/question"         // system calls of the server's process
	Pause         = "pause-µs"               // a garbage collection while the client was silent for a second
	GeneratorCPU  = "generator-µs/question"  // processor time of the clients, which must not be the bottleneck
)

// The data of all benchmarks have these types.
type (
	Sample      = measured.Sample
	Figure      = measured.Figure
	Measurement = measured.Measurement
	Machine     = measured.Machine
)

var benchmark = measured.Benchmark{
	Name: "BenchmarkZen", Package: "fopnp/chapter07", File: "zen",
	Units: []string{CPU, CPUEach, Rate, Median, P99, P999, Threads, ClientsServed, Memory, Calls, Pause, GeneratorCPU},
}

// Data are the results of one run of the benchmark.
type Data struct {
	Machine      Machine       `json:"machine"`
	Rounds       int           `json:"rounds"`
	Seconds      float64       `json:"seconds"` // how long all rounds took
	Measurements []Measurement `json:"measurements"`
	Timelines    []Timeline    `json:"timelines"`
}

// common returns the part that the data of all benchmarks have.
func (d *Data) common() *measured.Data {
	return &measured.Data{Machine: d.Machine, Rounds: d.Rounds, Seconds: d.Seconds, Measurements: d.Measurements}
}

// Find returns a measurement, or an empty one if there is none. With 0 clients,
// it returns the first measurement of the workload and the server.
func (d *Data) Find(workload string, clients int, server string) Measurement {
	return d.common().Find(workload, clients, server)
}

// Summarize sums up samples as measurements, in the order in which each was first
// measured.
func Summarize(samples []Sample) []Measurement { return measured.Summarize(samples) }

// WriteSamples writes samples in the format of Go benchmarks, one line each, for
// benchstat to read.
func WriteSamples(w io.Writer, machine Machine, samples []Sample) error {
	return benchmark.WriteSamples(w, machine, samples)
}

// Name returns the name of a measurement in the format of Go benchmarks.
func Name(workload string, clients int, server string) string {
	return benchmark.MeasurementName(workload, clients, server)
}

// Load reads the data in a folder.
func Load(folder string) (*Data, error) {
	data := new(Data)
	if err := benchmark.Load(folder, data); err != nil {
		return nil, err
	}
	return data, nil
}

// Save writes the data to zen.json in a folder, which it creates if needed, and
// the samples that they sum up to zen.txt.
func (d *Data) Save(folder string, samples []Sample) error {
	return benchmark.Save(folder, d, d.Machine, samples)
}
