package measured

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	cost = "server-µs/message"
	rate = "messages/s"
)

var benchmark = Benchmark{Name: "BenchmarkTalk", Package: "fopnp/talk", File: "talk", Units: []string{rate, cost, ClientsServed}}

// samples returns three rounds of two servers.
func samples() (all []Sample) {
	for _, us := range []float64{5.5, 4.5678, 7} {
		all = append(all,
			Sample{"loud", 100, "quick", 80_000, 0, map[string]float64{cost: us, rate: 190_000 + us}},
			Sample{"loud", 4, "slow", 0, 1, map[string]float64{cost: 1000 * us, ClientsServed: 1 + us}})
	}
	return append(all, Sample{"quiet", 1, "quick", 0, 0, nil}, Sample{"loud", 1, "quick", 0, 0, map[string]float64{cost: 9}})
}

func data() *Data {
	return &Data{
		Machine: Machine{"2026-11-21", "a processor", 2, "Linux 6", "linux/amd64", "go1.26"},
		Rounds:  3, Seconds: 100, Measurements: Summarize(samples()),
	}
}

func TestSummarize(t *testing.T) {
	d := data()
	want := []Measurement{
		{"loud", 100, "quick", 3, 0, map[string]Figure{cost: {4.5678, 5.5, 7}, rate: {190_004.5678, 190_005.5, 190_007}}},
		{"loud", 4, "slow", 3, 3, map[string]Figure{cost: {4567.8, 5500, 7000}, ClientsServed: {5.5678, 6.5, 8}}},
		{"quiet", 1, "quick", 1, 0, map[string]Figure{}},
		{"loud", 1, "quick", 1, 0, map[string]Figure{cost: {9, 9, 9}}},
	}
	if diff := cmp.Diff(want, d.Measurements); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	quick, slow := d.Find("loud", 100, "quick"), d.Find("loud", 0, "slow")
	if quick.Best(cost) != 4.5678 || quick.Best(rate) != 190_007 || slow.Best(ClientsServed) != 8 {
		t.Errorf("the best are %v, %v, %v", quick.Best(cost), quick.Best(rate), slow.Best(ClientsServed))
	}
	if none := d.Find("loud", 4, "quick"); !math.IsNaN(none.Best(cost)) {
		t.Errorf("the best of a missing measurement is %v", none.Best(cost))
	}
	if served, part := (Measurement{Clients: 9, Figures: slow.Figures}).PartServed(); served != 8 || !part {
		t.Errorf("%d of 9 clients were served, %v", served, part)
	}
	if served, part := slow.PartServed(); part {
		t.Errorf("only %d of 4 clients were served", served)
	}
	if served, part := quick.PartServed(); part {
		t.Errorf("%d clients were served, but no sample counts them", served)
	}
}

func TestSay(t *testing.T) {
	v := Vocabulary{
		Units: map[string]string{"cost": cost, "rate": rate},
		InWords: func(value float64, unit string) string {
			if unit == rate {
				return Thousands(value)
			}
			return Microseconds(value)
		},
	}
	for question, want := range map[string]string{
		"value loud/100 quick cost":                  "4.6 µs",
		"value loud slow cost":                       "4.6 ms",
		"value loud/100 quick rate":                  "190,000",
		"times loud slow cost loud/100 quick cost":   "1000",
		"more loud slow cost loud/100 quick cost":    "4.6 ms",
		"machine cpu":                                "a processor",
		"machine processors":                         "2",
		"machine kernel":                             "Linux 6",
		"machine go":                                 "go1.26",
		"machine date":                               "2026-11-21",
		"machine name":                               "!the data do not have the machine's name",
		"rounds":                                     "3",
		"minutes":                                    "2",
		"value loud quick cost":                      "!loud quick cost: how many clients? write loud/100",
		"value loud nosuch cost":                     "!the data have no loud nosuch cost",
		"value quiet quick cost":                     "!the data have no quiet quick cost",
		"value loud/100 quick nosuch":                "!the data have no loud/100 quick nosuch",
		"times loud slow cost loud/100 quick nosuch": "!the data have no loud/100 quick nosuch",
		"value loud slow":                            `!unknown directive "value loud slow"`,
		"":                                           "!the directive has no words",
	} {
		got, err := v.Say(data(), strings.Fields(question)...)
		if err != nil {
			got = "!" + err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", question, got, want)
		}
	}
}

func TestRange(t *testing.T) {
	v := Vocabulary{Units: map[string]string{"cost": cost}, InWords: func(value float64, _ string) string { return Microseconds(value) }}
	all := samples()
	for server, us := range map[string]float64{"a": 3, "b": 2, "c": 5, "part": 1} {
		s := Sample{"talk", 4, server, 0, 0, map[string]float64{cost: us}}
		if server == "part" {
			s.Values[ClientsServed] = 3
		}
		all = append(all, s)
	}
	d := &Data{Measurements: Summarize(all)}
	if got, err := v.Range(d, []string{"a", "b", "part", "c"}, "talk/4", "cost"); err != nil || got != "2.0 µs to 5.0 µs" {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := v.Range(d, []string{"a", "nosuch"}, "talk/4", "cost"); err == nil {
		t.Errorf("with a server that was not measured: %s", got)
	}
}

func TestNumbers(t *testing.T) {
	for value, want := range map[float64]string{0.4567: "0.46", 4.567: "4.6", 45.67: "46", 456.7: "457", 0: "0.0", 0.0456: "0.046"} {
		if got := Significant(value, 2); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
	for value, want := range map[float64]string{191_823: "192,000", 1_799_566: "1,800,000", 190: "190", 0: "0", 15.3: "15", 999.9: "1,000"} {
		if got := Thousands(value); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
	for value, want := range map[float64]string{4.56: "4.6 µs", 456: "456 µs", 4560: "4.6 ms", 1_035_000: "1.0 s"} {
		if got := Microseconds(value); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	got := Table([]string{"name", "n", "m"}, []string{"`a`", "1 µs", Nothing}, []string{"b", "20", "x"})
	want := "| name | n | m |\n|---|---:|---|\n| `a` | 1 µs | – |\n| b | 20 | x |\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A file holds only the significant digits of a value.
func TestSaveAndLoad(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new")
	saved := data()
	if err := benchmark.Save(folder, saved, saved.Machine, samples()); err != nil {
		t.Fatal(err)
	}
	loaded := new(Data)
	if err := benchmark.Load(folder, loaded); err != nil {
		t.Fatal(err)
	}
	saved.Measurements[0].Figures = map[string]Figure{cost: {4.568, 5.5, 7}, rate: {190_005, 190_006, 190_007}}
	saved.Measurements[1].Figures = map[string]Figure{cost: {4568, 5500, 7000}, ClientsServed: {5.568, 6.5, 8}}
	if diff := cmp.Diff(saved, loaded); diff != "" {
		t.Errorf("(- saved, + loaded):\n%s", diff)
	}
	text, err := os.ReadFile(filepath.Join(folder, "talk.txt"))
	if lines := bytes.Count(text, []byte("\nBenchmarkTalk/")); err != nil || lines != len(samples()) {
		t.Errorf("%d of %d samples are in the file, %v", lines, len(samples()), err)
	}
}

func TestWriteSamples(t *testing.T) {
	var got bytes.Buffer
	if err := benchmark.WriteSamples(&got, data().Machine, samples()[:2]); err != nil {
		t.Fatal(err)
	}
	want := `goos: linux
goarch: amd64
pkg: fopnp/talk
cpu: a processor
kernel: Linux 6
go: go1.26
date: 2026-11-21
Unit messages/s better=higher
BenchmarkTalk/loud/clients=100/server=quick	80000	190006 messages/s	5.5 server-µs/message
BenchmarkTalk/loud/clients=4/server=slow	1	5500 server-µs/message	6.5 clients-served
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
