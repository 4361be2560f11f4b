package chapter07

import (
	"errors"
	"flag"
	"math"
	"os/exec"
	"slices"
	"testing"
	"time"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/chapter07/internal/zenload"
	"fopnp/internal/check/bench"
	"fopnp/internal/check/progtest"
)

var rounds = flag.Int("rounds", 7, "how many rounds to run; in each, every server has its turn")

// BenchmarkZen measures every server under every workload of package zenbench.
// It first runs all rounds, then reports the value of the best round.
//
//	go test ./chapter07 -run '^$' -bench .            everything, in about eight minutes
//	go test ./chapter07 -run '^$' -bench Zen/churn    one workload
//	go test ./chapter07 -run '^$' -bench Zen/././async   the servers with async in their names
func BenchmarkZen(b *testing.B) {
	bench.Begin(b)
	bin := bench.Build(b, []string{"./..."}, zenbench.Variants...)
	data := &zenbench.Data{}
	data.Machine, data.Rounds = bench.ThisMachine(), *rounds
	began := time.Now()
	samples := run(b, bin)
	data.Seconds = math.Round(time.Since(began).Seconds())
	data.Measurements = zenbench.Summarize(samples)
	if *progtest.Update {
		for _, server := range zenbench.Servers {
			timeline, err := zenload.Timeline(bin, server, 100*time.Millisecond)
			if err != nil {
				b.Fatal(err)
			}
			data.Timelines = append(data.Timelines, timeline)
		}
		if err := data.Save("bench", samples); err != nil {
			b.Fatal(err)
		}
	}

	bench.Report(b, zenbench.Benchmark, data.Measurements)
}

// Every workload runs without errors.
func TestWorkloads(t *testing.T) {
	for _, workload := range zenbench.Workloads {
		for _, server := range []string{"srv_single", "srv_asyncio1", "in_zen1"} {
			if !slices.Contains(workload.Servers, server) {
				continue
			}
			t.Run(workload.Name+"/"+server, func(t *testing.T) {
				t.Parallel()
				short := workload
				short.Window = 10 * time.Millisecond
				short.Clients = workload.Clients[:1]
				short.Crowd = min(workload.Crowd, 100)
				samples, err := zenload.Measure(short, progtest.Bin(), server)
				if errors.Is(err, zenload.ErrNoInetd) {
					t.Skip("inetd is not installed")
				} else if err != nil {
					t.Fatal(err)
				}
				for _, s := range samples {
					if s.Errors > 0 {
						t.Errorf("%d errors: %v", s.Errors, s)
					}
				}
				if workload.Crowd > 0 && samples[0].Values[zenbench.Memory] <= 0 {
					t.Errorf("a client takes up no memory: %v", samples[0])
				}
			})
		}
	}
}

// A slow client keeps srv_single from answering the others, but not srv_async.
func TestBesideSlow(t *testing.T) {
	for server, answers := range map[string]bool{"srv_single": false, "srv_async": true} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			workload := workload("beside-slow")
			workload.Window = 50 * time.Millisecond
			for tries := 0; ; tries++ { // a busy machine may leave no time for an answer
				samples, err := zenload.Measure(workload, progtest.Bin(), server)
				if err != nil {
					t.Fatal(err)
				}
				if answered := samples[0].Questions > 0; answered == answers {
					return
				} else if answered || tries > 5 {
					t.Fatalf("the others were answered: %v", answered)
				}
				workload.Window *= 2
			}
		})
	}
}

// Clients that stay keep their places. However long we measure, srv_single
// serves one client of nine and srv_threaded four, and an event loop serves
// all.
func TestClientsServed(t *testing.T) {
	for server, want := range map[string]float64{"srv_single": 1, "srv_threaded": 4, "srv_async": 9} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			workload := workload("steady")
			workload.Clients = []int{9}
			workload.Window = 50 * time.Millisecond
			for tries := 0; ; tries++ { // a busy machine may leave no time to serve them all
				samples, err := zenload.Measure(workload, progtest.Bin(), server)
				if err != nil {
					t.Fatal(err)
				}
				s := samples[0]
				if s.Clients != 9 || s.Errors > 0 {
					t.Fatalf("%d clients, %d errors, want 9 and 0", s.Clients, s.Errors)
				}
				if served := s.Values[zenbench.ClientsServed]; served == want {
					return
				} else if served > want || tries > 5 {
					t.Fatalf("%v clients were served, want %v", served, want)
				}
				workload.Window *= 2
			}
		})
	}
}

// workload returns the workload called name.
func workload(name string) zenbench.Workload {
	i := slices.IndexFunc(zenbench.Workloads, func(w zenbench.Workload) bool { return w.Name == name })
	return zenbench.Workloads[i]
}

// The data in the chapter were measured without errors and for long enough.
func TestData(t *testing.T) {
	data, err := zenbench.Load("bench")
	if err != nil {
		t.Fatal(err)
	}
	if data.Rounds < 7 || data.Seconds < 45 {
		t.Errorf("%d rounds in %v seconds are too few", data.Rounds, data.Seconds)
	}
	for _, m := range data.Measurements {
		if m.Errors > 0 {
			t.Errorf("%s, %s: %d errors", m.Workload, m.Server, m.Errors)
		}
		if m.Best(zenbench.CPU) == 0 {
			t.Errorf("%s, %s: a question costs nothing", m.Workload, m.Server)
		}
	}
	// Each server served all of its clients, or as many as it can hold at once.
	for _, server := range zenbench.Servers {
		for _, clients := range []int{1, 4, 100} {
			want := clients
			if most := zenbench.AtOnce(server); most > 0 {
				want = min(clients, most)
			}
			served := data.Find("steady", clients, server).Best(zenbench.ClientsServed)
			if served != float64(want) {
				t.Errorf("%s: %v of %d clients were served, want %d", server, served, clients, want)
			}
		}
	}
	_, noStrace := exec.LookPath("strace")
	for _, cost := range costs {
		calls := data.Find("calls", 0, cost.server).Best(zenbench.Calls)
		notCounted := math.IsNaN(calls) && noStrace != nil // the data may come from this machine
		if !(calls <= cost.calls) && !notCounted {
			t.Errorf("%s: %v system calls per question, want at most %v", cost.server, calls, cost.calls)
		}
		idle := data.Find("memory", 10_000, cost.server).Best(zenbench.Memory) / 1024
		if cost.idle > 0 && !(idle <= cost.idle) {
			t.Errorf("%s: %.2f KiB per silent client, want at most %v", cost.server, idle, cost.idle)
		}
	}
}

// run runs all rounds of the workloads and servers that -bench selects.
func run(b *testing.B, bin string) (samples []zenbench.Sample) {
	var turns []bench.Turn
	for _, workload := range zenbench.Workloads {
		for _, server := range workload.Servers {
			turns = append(turns, bench.Turn{Workload: workload.Name, Server: server,
				Measure: func() ([]zenbench.Sample, error) { return zenload.Measure(workload, bin, server) }})
		}
	}
	samples = bench.Rounds(b, "BenchmarkZen", *rounds, turns)
	for _, name := range zenbench.Variants {
		if selected("collect", name) {
			sample, err := pause(bin, name)
			if err != nil {
				b.Fatalf("%s: %v", name, err)
			}
			samples = append(samples, sample)
		}
	}
	return append(samples, calls(b, bin)...)
}

// calls counts the system calls of each server per question, if strace is
// installed.
func calls(b *testing.B, bin string) (samples []zenbench.Sample) {
	if _, err := exec.LookPath("strace"); err != nil {
		b.Log("strace is not installed, so system calls are not counted")
		return nil
	}
	for _, cost := range costs {
		if !selected("calls", cost.server) {
			continue
		}
		calls, _, err := zenload.SystemCalls(bin, cost.server, cost.clients, questions)
		if err != nil {
			b.Fatal(err)
		}
		samples = append(samples, zenbench.Sample{Workload: "calls", Clients: cost.clients, Server: cost.server,
			Values: map[string]float64{zenbench.Calls: calls}})
	}
	return samples
}

// selected reports whether -bench selects a server under a workload, with any
// number of clients.
func selected(workload, server string) bool {
	return bench.Selected("BenchmarkZen/" + workload + "//server=" + server)
}
