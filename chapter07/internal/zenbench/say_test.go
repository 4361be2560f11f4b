package zenbench

import (
	"bytes"
	"math"
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

func TestSummarize(t *testing.T) {
	m := data().Find("steady", 100, "srv_async")
	want := Measurement{Workload: "steady", Clients: 100, Server: "srv_async", Rounds: 3, Figures: map[string]Figure{
		CPU:  {Min: 4.56, Median: 5.5, Max: 7},
		Rate: {Min: 190_004.56, Median: 190_005.5, Max: 190_007},
	}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m.Best(CPU) != 4.56 || m.Best(Rate) != 190_007 || !math.IsNaN(m.Best(P99)) {
		t.Errorf("the best are %v, %v, %v", m.Best(CPU), m.Best(Rate), m.Best(P99))
	}
	single := data().Find("steady", 0, "srv_single")
	if single.Clients != 1 || single.Errors != 3 {
		t.Errorf("%d clients, %d errors, want 1 and 3", single.Clients, single.Errors)
	}
	if served, part := single.PartServed(); part {
		t.Errorf("%d of 1 client was served", served)
	}
	if served, part := data().Find("steady", 4, "srv_single").PartServed(); !part || served != 1 {
		t.Errorf("%d of 4 clients were served, %v, want 1", served, part)
	}
	if served, part := m.PartServed(); part {
		t.Errorf("%d clients were served, but no sample counts them", served)
	}
}

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
		"machine kernel":                                     "Linux 6",
		"rounds":                                             "3",
		"minutes":                                            "2",
		"timeline srv_threaded":                              "1 ########\n2 ........########\n  0\n",
		"table processes":                                    "| server | a conversation of one question | more than `srv_single` |\n|---|---|---|\n",
		"value steady srv_async p99":                         "!the data have no steady srv_async p99",
		"value steady srv_none cpu":                          "!the data have no steady srv_none cpu",
		"value steady srv_single cpu":                        "!steady srv_single cpu: how many clients? write steady/1",
		"times steady srv_async cpu":                         `!unknown directive "times steady srv_async cpu"`,
		"table none":                                         `!unknown directive "table none"`,
		"":                                                   "!the directive has no words",
		"more steady/1 srv_single cpu steady srv_none cpu":   "!the data have no steady srv_none cpu",
		"machine name":                                       "!the data do not have the machine's name",
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

func TestSignificant(t *testing.T) {
	for value, want := range map[float64]string{0.4567: "0.46", 4.567: "4.6", 45.67: "46", 456.7: "457", 0: "0.0", 0.0456: "0.046"} {
		if got := significant(value, 2); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
	for value, want := range map[float64]string{191_823: "192,000", 1_799_566: "1,800,000", 190: "190", 0: "0", 15.3: "15", 999.9: "1,000"} {
		if got := thousands(value); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
}

func TestInWords(t *testing.T) {
	for value, want := range map[float64]string{4.56: "4.6 µs", 456: "456 µs", 4560: "4.6 ms", 1_035_000: "1.0 s"} {
		if got := inWords(value, CPU); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
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
	if err := benchmark.WriteSamples(&got, data().Machine, samples()[:2]); err != nil {
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
