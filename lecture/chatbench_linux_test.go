package lecture_test

import (
	"math"
	"testing"
	"time"

	"fopnp/internal/check/bench"
	"fopnp/internal/check/progtest"
	"fopnp/internal/measured"
	"fopnp/lecture/internal/chatbench"
	"fopnp/lecture/internal/chatload"
)

// BenchmarkChat measures the chat servers under every workload of package
// chatbench. It first runs all rounds, then reports the value of the best round.
//
//	go test ./lecture -run '^$' -bench Chat               everything, in about three minutes
//	go test ./lecture -run '^$' -bench Chat/twenty        the workloads with twenty in their names
//	go test ./lecture -run '^$' -bench Chat/././poll      the servers with poll in their names
func BenchmarkChat(b *testing.B) {
	bench.Begin(b)
	place := chatload.Place{Bin: bench.Build(b, []string{"./tincanchat/..."})}
	data := &chatbench.Data{}
	data.Machine, data.Rounds = bench.ThisMachine(), *rounds
	began := time.Now()
	var turns []bench.Turn
	for _, workload := range chatbench.Workloads {
		for _, server := range chatbench.Servers {
			turns = append(turns, bench.Turn{Workload: workload.Name, Server: server,
				Measure: func() ([]measured.Sample, error) { return place.Measure(workload, server) }})
		}
	}
	samples := bench.Rounds(b, "BenchmarkChat", *rounds, turns)
	data.Seconds = math.Round(time.Since(began).Seconds())
	data.Measurements = measured.Summarize(samples)
	if *progtest.Update {
		if err := data.Save("bench", samples); err != nil {
			b.Fatal(err)
		}
	}
	bench.Report(b, chatbench.Benchmark, data.Measurements)
}
