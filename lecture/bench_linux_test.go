package lecture_test

import (
	"errors"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/bench"
	"fopnp/internal/check/progtest"
	"fopnp/internal/measured"
	"fopnp/lecture/internal/webbench"
	"fopnp/lecture/internal/webload"
)

var rounds = flag.Int("rounds", 7, "how often the benchmark gives each server its turn")

// BenchmarkFiles measures the servers that send files, under every workload of
// package webbench. It first runs all rounds, then reports the value of the best
// round.
//
//	go test ./lecture -run '^$' -bench .               everything, in about two minutes
//	go test ./lecture -run '^$' -bench Files/small     one workload
//	go test ./lecture -run '^$' -bench Files/././web   the servers with web in their names
func BenchmarkFiles(b *testing.B) {
	if progtest.Race {
		b.Skip("under the race detector, everything costs ten times as much")
	}
	if *progtest.Update && flag.Lookup("test.bench").Value.String() != "." {
		b.Fatal("-update needs -bench . because all data must come from one run")
	}
	place := &webload.Place{Bin: b.TempDir(), Folder: b.TempDir()}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", place.Bin, "./lecture23/webserver", "./basics/file_server")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, said)
	}
	linkNetHTTP(b, place.Bin)

	data := &webbench.Data{Python: webload.PythonVersion()}
	data.Machine, data.Rounds = bench.ThisMachine(), *rounds
	began := time.Now()
	samples := run(b, place)
	data.Seconds = math.Round(time.Since(began).Seconds())
	data.Measurements = measured.Summarize(samples)
	if *progtest.Update {
		if err := data.Save("bench", samples); err != nil {
			b.Fatal(err)
		}
	}

	for _, m := range data.Measurements {
		name := strings.TrimPrefix(webbench.MeasurementName(m.Workload, m.Clients, m.Server), "BenchmarkFiles/")
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op") // go test does not print a zero
			for unit := range m.Figures {
				b.ReportMetric(m.Best(unit), unit)
			}
			if m.Errors > 0 {
				b.Errorf("%d connections broke or got a wrong answer", m.Errors)
			}
		})
	}
}

// run runs all rounds of the workloads and servers that -bench selects.
func run(b *testing.B, place *webload.Place) (samples []measured.Sample) {
	progress := bench.NewProgress()
	defer progress.End()
	noPython := false
	for round := range *rounds {
		for _, workload := range webbench.Workloads {
			for _, server := range workload.Servers {
				if !bench.Selected(webbench.MeasurementName(workload.Name, workload.Clients, server)) {
					continue
				}
				progress.Say("round %d of %d: %s, %s", round+1, *rounds, workload.Name, server)
				sample, err := place.Measure(workload, server)
				if errors.Is(err, webload.ErrNoPython) {
					noPython = true
					continue
				}
				if err != nil {
					b.Fatalf("%s, %s: %v", workload.Name, server, err)
				}
				samples = append(samples, sample)
			}
		}
	}
	if noPython {
		b.Log("Python's http.server is not installed, so it is not measured")
	}
	return samples
}

// linkNetHTTP adds to the programs in a folder the server that this test binary
// is under another name.
func linkNetHTTP(t testing.TB, bin string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, webbench.NetHTTP)); err != nil {
		t.Fatal(err)
	}
}

// Every workload runs without errors.
func TestWorkloads(t *testing.T) {
	bin := t.TempDir()
	linkNetHTTP(t, bin)
	for _, name := range []string{webbench.WebServer, webbench.FileServer} {
		if err := os.Symlink(filepath.Join(progtest.Bin(), name), filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, workload := range webbench.Workloads {
		for _, server := range workload.Servers {
			t.Run(workload.Name+"/"+server, func(t *testing.T) {
				t.Parallel()
				short := workload
				short.Window = min(workload.Window, 100*time.Millisecond)
				short.Size = min(workload.Size, 16<<20)
				short.Count = min(workload.Count, 2)
				short.Clients = min(workload.Clients, 100)
				place := &webload.Place{Bin: bin, Folder: t.TempDir()}
				sample, err := place.Measure(short, server)
				if errors.Is(err, webload.ErrNoPython) {
					t.Skip("Python's http.server is not installed")
				} else if err != nil {
					t.Fatal(err)
				}
				if sample.Errors > 0 {
					t.Errorf("%d errors: %v", sample.Errors, sample)
				}
				if workload.Name == "idle" && sample.Values[webbench.Memory] <= 0 {
					t.Errorf("a client takes up no memory: %v", sample)
				}
			})
		}
	}
}

// The data on the pages were measured without errors and for long enough. A
// small file costs webserver less than it costs the server of Go's library.
func TestData(t *testing.T) {
	data, err := webbench.Load("bench")
	if err != nil {
		t.Fatal(err)
	}
	if data.Rounds < 7 {
		t.Errorf("%d rounds are too few", data.Rounds)
	}
	for _, workload := range webbench.Workloads {
		for _, server := range workload.Servers {
			m := data.Find(workload.Name, workload.Clients, server)
			if m.Rounds != data.Rounds && (server != webbench.Python || data.Python != "") {
				t.Errorf("%s, %s: %d rounds of %d", workload.Name, server, m.Rounds, data.Rounds)
			}
			if m.Errors > 0 {
				t.Errorf("%s, %s: %d errors", m.Workload, m.Server, m.Errors)
			}
		}
	}
	cost := func(server string) float64 { return data.Find("small", 0, server).Best(webbench.CPU) }
	if ours, library := cost(webbench.WebServer), cost(webbench.NetHTTP); !(ours < library) {
		t.Errorf("a small file costs webserver %.3g µs, and net/http %.3g µs", ours, library)
	}
}
