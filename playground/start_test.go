//go:build unix || windows

package main

import (
	"fmt"
	"math"
	"testing"

	"fopnp/internal/check/weave"
	"fopnp/internal/measured"
)

// The units of what BenchmarkStart measures.
const (
	microseconds = "µs"
	memoryUnit   = "B"
)

// start names the benchmark's data.
var start = measured.Benchmark{
	Name: "BenchmarkStart", Package: "fopnp/playground", File: "start", Units: []string{microseconds, memoryUnit},
}

// vocabulary has what the page says about the data.
var vocabulary = measured.Vocabulary{
	Units: map[string]string{"time": microseconds, "memory": memoryUnit},
	InWords: func(value float64, unit string) string {
		if unit == memoryUnit {
			return fmt.Sprintf("%.0f MiB", math.Ceil(value/(1<<20)))
		}
		return measured.Microseconds(value)
	},
}

func TestREADME(t *testing.T) {
	t.Parallel()
	var data measured.Data
	if err := start.Load("bench", &data); err != nil {
		t.Fatal(err)
	}
	weave.TestPage(t, "playground/README.md", func(words ...string) (string, error) {
		if len(words) == 1 && words[0] == "table" {
			return costs(&data)
		}
		return vocabulary.Say(&data, words...)
	})
}

// costs returns the page's table.
func costs(data *measured.Data) (string, error) {
	var rows [][]string
	for _, row := range [][]string{
		{"until a command runs on h1", "up", "time"},
		{"to run a second command, from another terminal", "login", "time"},
		{"from the end of the first shell until all is gone", "down", "time"},
		{"memory", "memory", "memory"},
	} {
		value, err := vocabulary.Say(data, "value", row[1], "playground", row[2])
		if err != nil {
			return "", err
		}
		rows = append(rows, []string{row[0], value})
	}
	return measured.Table([]string{"what", "cost"}, rows...), nil
}
