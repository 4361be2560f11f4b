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

// Benchmark says under which names the data are stored.
var Benchmark = measured.Benchmark{
	Name: "BenchmarkZen", Package: "fopnp/chapter07", File: "zen",
	Units: []string{CPU, CPUEach, Rate, Median, P99, P999, Threads, ClientsServed, Memory, Calls, Pause, GeneratorCPU},
}

// Data are the results of one run of the Benchmark.
type Data struct {
	measured.Data
	Timelines []Timeline `json:"timelines"`
}

// Summarize sums up samples as measurements, in the order in which each was first
// measured.
func Summarize(samples []Sample) []Measurement { return measured.Summarize(samples) }

// Load reads the data in a folder.
func Load(folder string) (*Data, error) {
	data := new(Data)
	if err := Benchmark.Load(folder, data); err != nil {
		return nil, err
	}
	return data, nil
}

// Save writes the data to zen.json in a folder, which it creates if needed, and
// the samples that they sum up to zen.txt.
func (d *Data) Save(folder string, samples []Sample) error {
	return Benchmark.Save(folder, d, d.Machine, samples)
}
