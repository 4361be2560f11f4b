// Package measured holds what a benchmark has measured: it sums up the rounds,
// stores the data, and writes them for the pages. Package check/bench starts
// the servers and reads what they cost.
//
// A benchmark runs in rounds. In every round, each server has its turn with each
// workload, so a slow spell of the machine hits all servers alike. The value to
// report is that of the best round, because other programs on the machine can
// only make a value worse.
package measured

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// ClientsServed is a unit: how many clients got an answer, where conversations
// do not end.
const ClientsServed = "clients-served"

// A Sample is the result of one round for one server, workload and number of
// clients.
type Sample struct {
	Workload  string
	Clients   int // how many ask
	Server    string
	Questions int                // answered; a request for a file is a question, too
	Errors    int                // connections that broke or got a wrong answer
	Values    map[string]float64 // by unit
}

// A Figure sums up one value over all rounds.
type Figure struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

// MarshalJSON writes the values with their significant digits only.
func (f Figure) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"min":%s,"median":%s,"max":%s}`, digits(f.Min), digits(f.Median), digits(f.Max)), nil
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

// isRate reports whether a unit counts what happens in a second, as
// "questions/s" does.
func isRate(unit string) bool { return strings.HasSuffix(unit, "/s") }

// Best returns the value of the best round: the highest rate and the most clients
// served, or else the lowest value. It returns NaN if no round has one, for
// example because the server answered no question.
func (m Measurement) Best(unit string) float64 {
	figure, ok := m.Figures[unit]
	switch {
	case !ok:
		return math.NaN()
	case isRate(unit) || unit == ClientsServed:
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

// Data are the results of one run of a benchmark.
type Data struct {
	Machine      Machine       `json:"machine"`
	Rounds       int           `json:"rounds"`
	Seconds      float64       `json:"seconds"` // how long all rounds took
	Measurements []Measurement `json:"measurements"`
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

// sizes counts the numbers of clients that a workload has for a server.
func (d *Data) sizes(workload, server string) (n int) {
	for _, m := range d.Measurements {
		if m.Workload == workload && m.Server == server {
			n++
		}
	}
	return n
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
