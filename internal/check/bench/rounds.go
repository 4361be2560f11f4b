package bench

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/measured"
)

// Begin begins a benchmark, which it skips under the race detector. With
// -update, all data must come from one run, so Begin fails the benchmark if
// -bench selects only a part of it.
func Begin(b *testing.B) {
	if progtest.Race {
		b.Skip("under the race detector, everything costs ten times as much")
	}
	if pattern := flag.Lookup("test.bench").Value.String(); *progtest.Update && strings.Contains(pattern, "/") {
		b.Fatalf("-update needs the whole benchmark, not -bench %s, because all data must come from one run", pattern)
	}
}

// Build builds the programs of packages in a new folder, without cgo, and
// returns the folder. Under each name in self, the folder also holds the
// benchmark's own test binary.
func Build(b *testing.B, packages []string, self ...string) (bin string) {
	bin = b.TempDir()
	build := exec.Command("go", append([]string{"build", "-buildvcs=false", "-o", bin}, packages...)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, said)
	}
	LinkSelf(b, bin, self...)
	return bin
}

// LinkSelf adds this test binary to a folder of programs, under other names.
func LinkSelf(t testing.TB, bin string, names ...string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// A Turn is what a round does with one server and workload.
type Turn struct {
	Workload, Server string

	// Measure returns a sample for each number of clients. If it needs a program
	// that the machine does not have, its error is an exec.ErrNotFound that says
	// so.
	Measure func() ([]measured.Sample, error)
}

// Rounds takes the turns that -bench selects, in order, over and over. name is
// that of the benchmark's function. A server that the machine does not have is
// named in the log.
func Rounds(b *testing.B, name string, rounds int, turns []Turn) (samples []measured.Sample) {
	progress := NewProgress()
	defer progress.End()
	missing := map[string]bool{}
	for round := range rounds {
		for _, turn := range turns {
			if !Selected(name + "/" + turn.Workload + "//server=" + turn.Server) {
				continue
			}
			progress.Say("round %d of %d: %s, %s", round+1, rounds, turn.Workload, turn.Server)
			more, err := turn.Measure()
			switch {
			case errors.Is(err, exec.ErrNotFound):
				missing[err.Error()] = true
			case err != nil:
				b.Fatalf("%s, %s: %v", turn.Workload, turn.Server, err)
			default:
				samples = append(samples, more...)
			}
		}
	}
	for what := range missing {
		b.Log(what)
	}
	return samples
}

// Report reports the value of the best round of each measurement, under the
// names that benchstat shows.
func Report(b *testing.B, benchmark measured.Benchmark, all []measured.Measurement) {
	for _, m := range all {
		name := benchmark.MeasurementName(m.Workload, m.Clients, m.Server)
		b.Run(strings.TrimPrefix(name, benchmark.Name+"/"), func(b *testing.B) {
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

// Selected reports whether the flag -bench of go test selects a measurement with
// the given name, such as "BenchmarkZen/churn/clients=32/server=srv_async". Any
// pattern selects a part of the name that is empty.
func Selected(name string) bool {
	names := strings.Split(name, "/")
	for i, pattern := range strings.Split(flag.Lookup("test.bench").Value.String(), "/") {
		if i < len(names) && names[i] != "" && !regexp.MustCompile(pattern).MatchString(names[i]) {
			return false
		}
	}
	return true
}
