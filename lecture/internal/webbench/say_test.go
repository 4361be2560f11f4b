package webbench

import (
	"strings"
	"testing"

	"fopnp/internal/measured"
)

// data returns a round of some servers.
func data() *Data {
	sample := func(workload string, clients int, server string, values map[string]float64) measured.Sample {
		return measured.Sample{Workload: workload, Clients: clients, Server: server, Values: values}
	}
	d := &Data{Python: "Python 3.11.7"}
	d.Rounds = 7
	d.Measurements = measured.Summarize([]measured.Sample{
		sample("small", 16, WebServer, map[string]float64{CPU: 23.4, Rate: 31_234, GeneratorCPU: 14, Peak: 9e6}),
		sample("small", 16, NetHTTP, map[string]float64{CPU: 46.8, Rate: 20_000}),
		sample("small", 16, Python, map[string]float64{CPU: 1234, Rate: 987}),
		sample("big", 1, WebServer, map[string]float64{PerGiB: 0.2345, Speed: 3.456, Peak: 9.4 * (1 << 20),
			GeneratorPerGiB: 0.05, BothPerGiB: 0.2845}),
		sample("first", 1, FileServer, map[string]float64{PerGiB: 0.9}),
		sample("first", 1, SHA256, map[string]float64{PerGiB: 0.5}),
		sample("idle", 2000, WebServer, map[string]float64{Memory: 6726}),
	})
	return d
}

func TestSay(t *testing.T) {
	for question, want := range map[string]string{
		"value small webserver cpu":                           "23 µs",
		"value small python cpu":                              "1.2 ms",
		"value small webserver rate":                          "31,200",
		"value small webserver generator":                     "14 µs",
		"value big webserver cpu-gib":                         "0.23 s",
		"value big webserver generator-gib":                   "0.050 s",
		"value big webserver both-gib":                        "0.28 s",
		"value big webserver speed":                           "3.5 GiB",
		"value big webserver peak":                            "9.4 MiB",
		"value idle webserver memory":                         "6.6 KiB",
		"times small net_http cpu small webserver cpu":        "2.0",
		"more first file_server cpu-gib first sha256 cpu-gib": "0.40 s",
		"rounds":                    "7",
		"python":                    "Python 3.11.7",
		"python version":            `!unknown directive "python version"`,
		"table none":                `!unknown directive "table none"`,
		"value small webserver p99": "!the data have no small webserver p99",
		"value small python peak":   "!the data have no small python peak",
		"times small python cpu small file_server cpu":             "!the data have no small file_server cpu",
		"more first file_server cpu-gib first webserver cpu-gib":   "!the data have no first webserver cpu-gib",
		"value small/16 webserver cpu":                             "23 µs",
		"value small/1 webserver cpu":                              "!the data have no small/1 webserver cpu",
		"":                                                         "!the directive has no words",
		"times small python cpu small webserver cpu":               "53",
		"more small net_http cpu small webserver cpu small python": `!unknown directive "more small net_http cpu small webserver cpu small python"`,
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
		"workloads": "| `idle` | 2,000 clients connect and are silent. |\n",
		"web": "|---|---:|---:|---:|---:|---:|---:|\n" +
			"| `webserver` | 23 µs | 31,200 | 0.23 s | 3.5 GiB | 9.4 MiB | 6.6 KiB |\n" +
			"| Go's `net/http` | 47 µs | 20,000 | – | – | – | – |\n" +
			"| Python's `http.server` | 1.2 ms | 987 | – | – | – | – |\n",
		"files": "| `file_server` | – | – | – | – | – | – |\n",
	} {
		if got, err := data().Say("table", table); err != nil || !strings.HasSuffix(got, want) {
			t.Errorf("table %s, %v: got\n%s\nwant it to end with\n%s", table, err, got, want)
		}
	}
}

// A page can be woven with data from a machine without Python.
func TestNoPython(t *testing.T) {
	d := data()
	d.Python = ""
	for _, question := range []string{
		"python", "value small python cpu", "times small python cpu small webserver cpu", "value idle python memory",
	} {
		if got, err := d.Say(strings.Fields(question)...); err != nil || got != "(not measured)" {
			t.Errorf("%s: got %q, %v", question, got, err)
		}
	}
	if got, err := d.Say("table", "web"); err != nil || strings.Contains(got, "Python") {
		t.Errorf("the table has Python, %v:\n%s", err, got)
	}
}

func TestSaveAndLoad(t *testing.T) {
	folder := t.TempDir()
	if err := data().Save(folder, nil); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Python != "Python 3.11.7" || loaded.Rounds != 7 || len(loaded.Measurements) != 7 {
		t.Errorf("loaded %+v", loaded)
	}
}
