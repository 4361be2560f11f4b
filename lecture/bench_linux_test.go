package lecture_test

import (
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fopnp/internal/check/bench"
	"fopnp/internal/check/progtest"
	"fopnp/internal/measured"
	"fopnp/lecture/internal/webbench"
	"fopnp/lecture/internal/webload"
)

var rounds = flag.Int("rounds", 7, "how many rounds to run; in each, every server has its turn")

// BenchmarkFiles measures the servers that send files, under every workload of
// package webbench. It first runs all rounds, then reports the value of the best
// round.
//
//	go test ./lecture -run '^$' -bench Files           everything, in about two minutes
//	go test ./lecture -run '^$' -bench Files/small     one workload
//	go test ./lecture -run '^$' -bench Files/././web   the servers with web in their names
func BenchmarkFiles(b *testing.B) {
	bench.Begin(b)
	place := &webload.Place{Folder: b.TempDir(), Bin: bench.Build(b,
		[]string{"./lecture23/webserver", "./basics/file_server"}, webbench.NetHTTP)}

	data := &webbench.Data{Python: webload.PythonVersion()}
	data.Machine, data.Rounds = bench.ThisMachine(), *rounds
	began := time.Now()
	var turns []bench.Turn
	for _, workload := range webbench.Workloads {
		for _, server := range workload.Servers {
			turns = append(turns, bench.Turn{Workload: workload.Name, Server: server,
				Measure: func() ([]measured.Sample, error) {
					sample, err := place.Measure(workload, server)
					return []measured.Sample{sample}, err
				}})
		}
	}
	samples := bench.Rounds(b, "BenchmarkFiles", *rounds, turns)
	data.Seconds = math.Round(time.Since(began).Seconds())
	data.Measurements = measured.Summarize(samples)
	if *progtest.Update {
		if err := data.Save("bench", samples); err != nil {
			b.Fatal(err)
		}
	}

	bench.Report(b, webbench.Benchmark, data.Measurements)
}

// Every workload runs without errors.
func TestWorkloads(t *testing.T) {
	bin := t.TempDir()
	bench.LinkSelf(t, bin, webbench.NetHTTP)
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
