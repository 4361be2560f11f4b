package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/bench"
	"fopnp/internal/check/progtest"
	"fopnp/internal/measured"
)

var rounds = flag.Int("rounds", 21, "how often the benchmark brings up a playground")

// BenchmarkStart measures what a playground costs: how long it takes until a command
// on h1 runs, until another one on the same playground has run, and until all is
// gone, and how much memory all its processes use. The playground is built as a user
// would build it. With -update, the benchmark saves the data that the page shows.
func BenchmarkStart(b *testing.B) {
	if progtest.Race {
		b.Skip("under the race detector, everything costs ten times as much")
	}
	program := filepath.Join(b.TempDir(), "playground")
	if said, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, said)
	}
	data := measured.Data{Machine: bench.ThisMachine(), Rounds: *rounds}
	progress := bench.NewProgress()
	defer progress.End()
	var samples []measured.Sample
	began := time.Now()
	for round := range *rounds {
		progress.Say("round %d of %d", round+1, *rounds)
		for workload, values := range measure(b, program) {
			samples = append(samples, measured.Sample{
				Workload: workload, Clients: 1, Server: "playground", Questions: 1, Values: values,
			})
		}
	}
	data.Seconds = math.Round(time.Since(began).Seconds())
	data.Measurements = measured.Summarize(samples)
	if *progtest.Update {
		if err := start.Save("bench", data, data.Machine, samples); err != nil {
			b.Fatal(err)
		}
	}
	for _, m := range data.Measurements {
		b.Run(m.Workload, func(b *testing.B) {
			b.ReportMetric(0, "ns/op") // go test does not print a zero
			for unit := range m.Figures {
				b.ReportMetric(m.Best(unit), unit)
			}
		})
	}
}

// measure brings up one playground.
func measure(b *testing.B, program string) map[string]map[string]float64 {
	took := func(began time.Time) map[string]float64 {
		return map[string]float64{microseconds: float64(time.Since(began).Microseconds())}
	}
	values := map[string]map[string]float64{}
	first := exec.Command(program, "h1", "echo up; cat")
	first.Env = append(own(), "GOCOVERDIR=")
	first.Stderr = os.Stderr
	began := time.Now()
	stdin, stdout, err := startWithPipes(first)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("up\n"))); err != nil {
		b.Fatal(err)
	}
	values["up"] = took(began)

	began = time.Now()
	second := exec.Command(program, "h1", "true")
	second.Env = first.Env
	if err := second.Run(); err != nil {
		b.Fatal(err)
	}
	values["login"] = took(began)

	values["memory"] = map[string]float64{memoryUnit: memory(b, first.Process.Pid)}

	began = time.Now()
	stdin.Close()
	if err := first.Wait(); err != nil {
		b.Fatal(err)
	}
	values["down"] = took(began)
	return values
}

// memory returns the memory of a process and of all its descendants. Memory that
// several of them share counts once.
func memory(b *testing.B, pid int) float64 {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Fatal(err)
	}
	sum := 0.0
	for line := range strings.Lines(string(rollup)) {
		if kilobytes, ok := strings.CutPrefix(line, "Pss:"); ok {
			n, err := strconv.ParseFloat(strings.Fields(kilobytes)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			sum += n * 1024
		}
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, thread := range threads {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name()))
		if err != nil {
			b.Fatal(err)
		}
		for _, child := range strings.Fields(string(children)) {
			n, err := strconv.Atoi(child)
			if err != nil {
				b.Fatal(err)
			}
			sum += memory(b, n)
		}
	}
	return sum
}
