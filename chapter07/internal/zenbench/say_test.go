package zenbench

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fopnp/internal/measured"
)

// samples returns three rounds of two servers, and one of all.
func samples() (all []Sample) {
	for _, cpu := range []float64{5.5, 4.56, 7} {
		all = append(all,
			Sample{Workload: "steady", Clients: 100, Server: "srv_async", Questions: 80_000, Values: map[string]float64{CPU: cpu, Rate: 190_000 + cpu}},
			Sample{Workload: "steady", Clients: 1, Server: "srv_single", Questions: 6000, Errors: 1, Values: map[string]float64{CPU: 8 * cpu, P99: 1300, ClientsServed: 1}},
			Sample{Workload: "steady", Clients: 4, Server: "srv_single", Questions: 6000, Values: map[string]float64{CPU: 9 * cpu, ClientsServed: 1}},
		)
	}
	return append(all,
		Sample{Workload: "memory", Clients: 10_000, Server: "srv_async", Values: map[string]float64{Memory: 458.752}},
		Sample{Workload: "churn", Clients: 32, Server: "srv_single", Values: map[string]float64{CPU: 9, ClientsServed: 1}},
		Sample{Workload: "churn", Clients: 32, Server: "srv_threaded", Values: map[string]float64{CPU: 7}},
		Sample{Workload: "churn", Clients: 32, Server: "srv_async", Values: map[string]float64{CPU: 1, ClientsServed: 32}},
		Sample{Workload: "churn", Clients: 32, Server: "srv_asyncio1", Values: map[string]float64{CPU: 2}},
		Sample{Workload: "churn", Clients: 32, Server: "srv_asyncio2", Values: map[string]float64{CPU: 3}},
		Sample{Workload: "churn", Clients: 32, Server: "srv_legacy1", Values: map[string]float64{CPU: 4}},
		Sample{Workload: "churn", Clients: 32, Server: "srv_legacy2", Values: map[string]float64{CPU: 5}},
		Sample{Workload: "calls", Clients: 1, Server: "srv_single", Values: map[string]float64{Calls: 3.706}},
		Sample{Workload: "calls", Clients: 4, Server: "srv_threaded", Values: map[string]float64{Calls: 2.61}},
		Sample{Workload: "calls", Clients: 64, Server: "srv_async", Values: map[string]float64{Calls: 2.07}})
}

func data() *Data {
	return &Data{
		Data: measured.Data{
			Machine:      Machine{Date: "2026-11-21", CPU: "a processor", Processors: 2, Kernel: "Linux 6", System: "linux/amd64", Go: "go1.26"},
			Rounds:       3,
			Seconds:      100,
			Measurements: Summarize(samples()),
		},
		Timelines: []Timeline{{"srv_threaded", 100, []Lane{
			{[]float64{0, 100}, []float64{100, 200.4}},
			{[]float64{1, 300}, []float64{299, 400}},
		}}},
	}
}

// Package measured has tests of the words that all pages share.
func TestSay(t *testing.T) {
	for question, want := range map[string]string{
		"value steady srv_async cpu":                         "4.6 µs",
		"value steady/100 srv_async cpu":                     "4.6 µs",
		"value steady srv_async rate":                        "190,000",
		"value steady/1 srv_single p99":                      "1.3 ms",
		"value memory/10000 srv_async memory":                "0.45 KiB",
		"times steady/1 srv_single cpu steady srv_async cpu": "8.0",
		"more steady/4 srv_single cpu steady srv_async cpu":  "36 µs",
		"range churn/32 cpu":                                 "1.0 µs to 7.0 µs",
		"range steady/4 cpu":                                 "!the data have no steady/4 srv_threaded cpu",
		"timeline srv_threaded":                              "1 ########\n2 ........########\n  0\n",
		"table processes":                                    "| server | a conversation of one question | more than `srv_single` |\n|---|---|---|\n",
		"value steady srv_async p99":                         "!the data have no steady srv_async p99",
		"table none":                                         `!unknown directive "table none"`,
		"":                                                   "!the directive has no words",
	} {
		got, err := data().Say(strings.Fields(question)...)
		if err != nil {
			got = "!" + err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", question, got, want)
		}
	}
}

// The tables say how many clients a server served, and how many asked, where
// the number differs from the one in the header.
func TestTables(t *testing.T) {
	for table, want := range map[string]string{
		"questions": "| `srv_single` | 36 µs | 41 µs (1 served) | – | 3.71 (1 client) | – |\n" +
			"| `srv_threaded` | – | – | – | 2.61 (4 clients) | – |\n" +
			"| `srv_async` | – | – | 4.6 µs | 2.07 | – |\n",
		"costs": "| `srv_async` | – | – | – | 0.45 KiB |\n",
	} {
		if got, err := data().Say("table", table); err != nil || !strings.Contains(got, want) {
			t.Errorf("table %s, %v: got\n%s\nwant it to contain\n%s", table, err, got, want)
		}
	}
}

func TestInWords(t *testing.T) {
	for unit, want := range map[string]string{
		CPU: "1.5 ms", Rate: "1,540", Threads: "1536", Memory: "1.5 KiB", Calls: "1536.00",
	} {
		if got := inWords(1536, unit); got != want {
			t.Errorf("%s: got %s, want %s", unit, got, want)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	folder := t.TempDir()
	saved := data()
	if err := saved.Save(folder, samples()); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	// Save keeps four significant digits of a value, and all digits before the
	// point.
	saved.Measurements[0].Figures[Rate] = Figure{Min: 190_005, Median: 190_006, Max: 190_007}
	saved.Measurements[3].Figures[Memory] = Figure{Min: 458.8, Median: 458.8, Max: 458.8}
	saved.Measurements[11].Figures[Calls] = Figure{Min: 3.706, Median: 3.706, Max: 3.706}
	if diff := cmp.Diff(saved, loaded); diff != "" {
		t.Errorf("(- saved, + loaded):\n%s", diff)
	}
}

func TestWriteSamples(t *testing.T) {
	var got bytes.Buffer
	if err := Benchmark.WriteSamples(&got, data().Machine, samples()[:2]); err != nil {
		t.Fatal(err)
	}
	want := `goos: linux
goarch: amd64
pkg: fopnp/chapter07
cpu: a processor
kernel: Linux 6
go: go1.26
date: 2026-11-21
Unit questions/s better=higher
BenchmarkZen/steady/clients=100/server=srv_async	80000	5.5 server-µs/question	190006 questions/s
BenchmarkZen/steady/clients=1/server=srv_single	6000	44 server-µs/question	1300 p99-µs	1 clients-served
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
