package zenbench

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// samples are three rounds of two servers.
func samples() (all []Sample) {
	for _, cpu := range []float64{5.5, 4.56, 7} {
		all = append(all,
			Sample{"steady", 100, "srv_async", 80_000, 0, map[string]float64{CPU: cpu, Rate: 190_000 + cpu}},
			Sample{"steady", 1, "srv_single", 6000, 1, map[string]float64{CPU: 8 * cpu, P99: 1300}},
		)
	}
	return append(all, Sample{"memory", 10_000, "srv_async", 0, 0, map[string]float64{Memory: 458.752}})
}

func data() *Data {
	return &Data{
		Machine:      Machine{"2026-11-21", "a processor", 2, "Linux 6", "linux/amd64", "go1.26"},
		Rounds:       3,
		Seconds:      100,
		Measurements: Summarize(samples()),
		Timelines: []Timeline{{"srv_threaded", 100, []Lane{
			{[]float64{0, 100}, []float64{100, 200.4}},
			{[]float64{1, 300}, []float64{299, 400}},
		}}},
	}
}

func TestSummarize(t *testing.T) {
	m := data().Find("steady", 100, "srv_async")
	want := Measurement{"steady", 100, "srv_async", 3, 0, map[string]Figure{
		CPU:  {4.56, 5.5, 7},
		Rate: {190_004.56, 190_005.5, 190_007},
	}}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m.Best(CPU) != 4.56 || m.Best(Rate) != 190_007 || !math.IsNaN(m.Best(P99)) {
		t.Errorf("the best are %v, %v, %v", m.Best(CPU), m.Best(Rate), m.Best(P99))
	}
	if single := data().Find("steady", 0, "srv_single"); single.Errors != 3 {
		t.Errorf("%d errors, want 3", single.Errors)
	}
}

func TestSay(t *testing.T) {
	for question, want := range map[string]string{
		"value steady srv_async cpu":                       "4.6 µs",
		"value steady/100 srv_async cpu":                   "4.6 µs",
		"value steady srv_async rate":                      "190,000",
		"value steady srv_single p99":                      "1.3 ms",
		"value memory/10000 srv_async memory":              "0.45 KiB",
		"times steady srv_single cpu steady srv_async cpu": "8.0",
		"more steady srv_single cpu steady srv_async cpu":  "32 µs",
		"machine kernel":                                   "Linux 6",
		"rounds":                                           "3",
		"minutes":                                          "2",
		"timeline srv_threaded":                            "1 ########\n2 ........########\n  0\n",
		"table processes":                                  "| server | a conversation of one question | above the iterative server |\n|---|---|---|\n",
		"value steady srv_async p99":                       "!the data have no steady srv_async p99",
		"value steady srv_none cpu":                        "!the data have no steady srv_none cpu",
		"times steady srv_async cpu":                       `!the data do not know "times steady srv_async cpu"`,
		"table none":                                       `!the data do not know "table none"`,
		"":                                                 "!nothing is asked of the data",
		"more steady srv_single cpu steady srv_none cpu":   "!the data have no steady srv_none cpu",
		"machine name":                                     "!the data do not know the machine's name",
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
	// Rates are kept as whole numbers.
	saved.Measurements[0].Figures[Rate] = Figure{190_005, 190_006, 190_007}
	saved.Measurements[2].Figures[Memory] = Figure{458.8, 458.8, 458.8}
	if diff := cmp.Diff(saved, loaded); diff != "" {
		t.Errorf("(- saved, + loaded):\n%s", diff)
	}
}

func TestWriteSamples(t *testing.T) {
	var got bytes.Buffer
	if err := WriteSamples(&got, data().Machine, samples()[:2]); err != nil {
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
BenchmarkZen/steady/clients=1/server=srv_single	6000	44 server-µs/question	1300 p99-µs
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
