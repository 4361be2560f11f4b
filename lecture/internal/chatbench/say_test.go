package chatbench

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fopnp/internal/measured"
)

// data returns a round of some servers.
func data() *Data {
	sample := func(workload string, clients int, server string, values map[string]float64) measured.Sample {
		return measured.Sample{Workload: workload, Clients: clients, Server: server, Values: values}
	}
	d := &Data{}
	d.Rounds = 7
	d.Measurements = measured.Summarize([]measured.Sample{
		sample("one", 100, Base, map[string]float64{CPU: 4, Rate: 123_456, Median: 789, P99: 1234, Batch: 1}),
		sample("one", 100, "chat_server_poll", map[string]float64{CPU: 3}),
		sample("one-stuck", 100, Base, map[string]float64{CPU: 5, Median: 790}),
		sample("twenty", 1000, Base, map[string]float64{CPU: 0.456, Batch: 0.08}),
		sample("memory", 1000, Base, map[string]float64{Memory: 7680}),
	})
	d.Timelines = []Timeline{chart}
	return d
}

// Package measured has tests of the words that all pages share.
func TestSay(t *testing.T) {
	for question, want := range map[string]string{
		"value one chat_server_multithread cpu":                          "4.0 µs",
		"value twenty chat_server_multithread cpu":                       "0.46 µs",
		"value one chat_server_multithread rate":                         "123,000",
		"value one/100 chat_server_multithread p99":                      "1.2 ms",
		"value twenty/1000 chat_server_multithread batch":                "12.5",
		"value memory chat_server_multithread memory":                    "7.5 KiB",
		"times one chat_server_multithread cpu one chat_server_poll cpu": "1.3",
		"value one chat_server_eventlet cpu":                             "!the data have no one chat_server_eventlet cpu",
		"range one/100 cpu":                                              "!the data have no one/100 chat_server_eventlet cpu",
		"timeline chat_server_poll":                                      chart.String(),
		"timeline chat_server_none":                                      `!unknown directive "timeline chat_server_none"`,
		"table none":                                                     `!unknown directive "table none"`,
		"":                                                               "!the directive has no words",
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

func TestTables(t *testing.T) {
	for table, want := range map[string]string{
		"workloads": "| `memory` | 1,000 clients connect, hear one message and are silent. |\n",
		"costs": "| `chat_server_multithread` | – | 4.0 µs | – | – | – | 0.46 µs |\n" +
			"| `chat_server_poll` | – | 3.0 µs (0.75) | – | – | – | – |\n",
		"waits":  "| `chat_server_multithread` | 789 µs | 1.2 ms | – | – | – | – |\n",
		"stuck":  "| `chat_server_multithread` | 4.0 µs → 5.0 µs | 789 µs → 790 µs | – → – | – → – |\n",
		"memory": "| `chat_server_multithread` | 7.5 KiB | 1.0 | – | 12.5 |\n",
	} {
		if got, err := data().Say("table", table); err != nil || !strings.Contains(got, want) {
			t.Errorf("table %s, %v: got\n%s\nwant it to contain\n%s", table, err, got, want)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	folder := t.TempDir()
	saved := data()
	if err := saved.Save(folder, nil); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Rounds != 7 || len(loaded.Measurements) != len(saved.Measurements) {
		t.Errorf("loaded %+v", loaded)
	}
	if diff := cmp.Diff(saved.Timelines, loaded.Timelines); diff != "" {
		t.Errorf("(- saved, + loaded):\n%s", diff)
	}
}
