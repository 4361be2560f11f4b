package lecture_test

import (
	"errors"
	"math"
	"os/exec"
	"testing"
	"time"

	"fopnp/internal/check/bench"
	"fopnp/internal/check/layout"
	"fopnp/internal/check/progtest"
	"fopnp/internal/measured"
	"fopnp/lecture/internal/chatbench"
	"fopnp/lecture/internal/chatload"
	"fopnp/lecture/internal/chatplot"
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
		for _, server := range workload.Servers {
			turns = append(turns, bench.Turn{Workload: workload.Name, Server: server,
				Measure: func() ([]measured.Sample, error) { return place.Measure(workload, server) }})
		}
	}
	samples := bench.Rounds(b, "BenchmarkChat", *rounds, turns)
	data.Seconds = math.Round(time.Since(began).Seconds())
	data.Measurements = measured.Summarize(samples)
	if *progtest.Update {
		for _, server := range chatbench.Servers {
			timeline, err := chatbench.RecordTimeline("lecture/tincanchat", server, true)
			if err != nil {
				b.Fatal(err)
			}
			data.Timelines = append(data.Timelines, timeline)
		}
		if err := data.Save("bench", samples); err != nil {
			b.Fatal(err)
		}
	}
	bench.Report(b, chatbench.Benchmark, data.Measurements)
}

// Every workload runs without errors, with every server.
func TestChatWorkloads(t *testing.T) {
	place := chatload.Place{Bin: progtest.Bin()}
	for _, workload := range chatbench.Workloads {
		for _, server := range workload.Servers {
			t.Run(workload.Name+"/"+server, func(t *testing.T) {
				t.Parallel()
				short := workload
				short.Window = 10 * time.Millisecond
				short.Clients = []int{30}
				samples, err := place.Measure(short, server)
				if errors.Is(err, exec.ErrNotFound) {
					t.Skip(err)
				} else if err != nil {
					t.Fatal(err)
				}
				if s := samples[0]; len(samples) != 1 || s.Clients != 30 || workload.Speakers > 0 && s.Questions == 0 {
					t.Errorf("the samples are %v", samples)
				}
			})
		}
	}
}

// The data on the page were measured often enough, and for all servers.
func TestChatData(t *testing.T) {
	data, err := chatbench.Load("bench")
	if err != nil {
		t.Fatal(err)
	}
	if data.Rounds < 7 {
		t.Errorf("%d rounds are too few", data.Rounds)
	}
	for _, workload := range chatbench.Workloads {
		for _, server := range workload.Servers {
			for _, clients := range workload.Clients {
				m := data.Find(workload.Name, clients, server)
				if m.Rounds != data.Rounds || m.Errors > 0 {
					t.Errorf("%s/%d, %s: %d rounds of %d, %d errors", workload.Name, clients, server, m.Rounds, data.Rounds, m.Errors)
				}
			}
		}
	}
}

// The data show what the page says about them.
func TestChatClaims(t *testing.T) {
	data, err := chatbench.Load("bench")
	if err != nil {
		t.Fatal(err)
	}
	best := func(workload string, clients int, server, unit string) float64 {
		return data.Find(workload, clients, server).Best(unit)
	}
	for _, server := range chatbench.Servers {
		one, twenty := best("one", 100, server, chatbench.CPU), best("twenty", 100, server, chatbench.CPU)
		if !(twenty < one/4) {
			t.Errorf("%s: a delivery costs %.2f µs, and with twenty speakers %.2f µs", server, one, twenty)
		}
		if batch := 1 / best("twenty", 100, server, chatbench.Batch); !(batch > 5) {
			t.Errorf("%s: with twenty speakers, a segment has only %.1f messages", server, batch)
		}
		for _, workload := range []string{"one", "twenty"} {
			for _, unit := range []string{chatbench.CPU, chatbench.Median} {
				alone, beside := best(workload, 100, server, unit), best(workload+"-stuck", 100, server, unit)
				if !(beside < 1.5*alone) {
					t.Errorf("%s, %s: %.2f %s, and beside a client that never reads %.2f", server, workload, alone, unit, beside)
				}
			}
		}
	}
	few, many := best("run-queue", 200, chatbench.Base, chatbench.Batch), best("run-queue", 300, chatbench.Base, chatbench.Batch)
	if !(few < many/2) {
		t.Errorf("with 200 clients, a segment has %.1f messages, and with 300 clients %.1f", 1/few, 1/many)
	}
	threads, loop := best("twenty", 1000, chatbench.Base, chatbench.CPU), best("twenty", 1000, "chat_server_asyncio", chatbench.CPU)
	if !(loop < threads/2) {
		t.Errorf("with 1,000 clients, a delivery costs %.2f µs, and on an event loop %.2f µs", threads, loop)
	}
}

// The pictures of the chat show the data that are in the same folder.
func TestChatPictures(t *testing.T) {
	data, err := chatbench.Load("bench")
	if err != nil {
		t.Fatal(err)
	}
	layout.TestPictures(t, "bench", data, chatplot.Pictures)
}
