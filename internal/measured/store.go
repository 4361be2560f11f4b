package measured

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A Benchmark says under which names its data are stored.
type Benchmark struct {
	Name    string   // of the function, such as "BenchmarkZen"
	Package string   // such as "fopnp/chapter07"
	File    string   // of the two files, without ".txt" and ".json"
	Units   []string // in the order in which a sample has them
}

// MeasurementName returns the name of a measurement in the format of Go
// benchmarks.
func (b Benchmark) MeasurementName(workload string, clients int, server string) string {
	return fmt.Sprintf("%s/%s/clients=%d/server=%s", b.Name, workload, clients, server)
}

// WriteSamples writes samples in the format of Go benchmarks, one line each, for
// benchstat to read.
func (b Benchmark) WriteSamples(w io.Writer, machine Machine, samples []Sample) error {
	var text strings.Builder
	system, architecture, _ := strings.Cut(machine.System, "/")
	fmt.Fprintf(&text, "goos: %s\ngoarch: %s\npkg: %s\ncpu: %s\n", system, architecture, b.Package, machine.CPU)
	fmt.Fprintf(&text, "kernel: %s\ngo: %s\ndate: %s\n", machine.Kernel, machine.Go, machine.Date)
	for _, unit := range b.Units {
		if isRate(unit) {
			fmt.Fprintf(&text, "Unit %s better=higher\n", unit)
		}
	}
	for _, s := range samples {
		fmt.Fprintf(&text, "%s\t%d", b.MeasurementName(s.Workload, s.Clients, s.Server), max(1, s.Questions))
		for _, unit := range b.Units {
			if value, ok := s.Values[unit]; ok {
				fmt.Fprintf(&text, "\t%s %s", digits(value), unit)
			}
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Load reads the data that Save has written to a folder.
func (b Benchmark) Load(folder string, data any) error {
	text, err := os.ReadFile(filepath.Join(folder, b.File+".json"))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, data)
}

// Save writes two files to a folder, which it creates if needed: the data in
// JSON, and the samples that they sum up.
func (b Benchmark) Save(folder string, data any, machine Machine, samples []Sample) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(data, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, b.File+".json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(folder, b.File+".txt"))
	if err != nil {
		return err
	}
	defer file.Close()
	return b.WriteSamples(file, machine, samples)
}
