// Package chatbench defines the workloads of the chat servers' benchmark, stores
// its results, and writes them for the chat's page. Package chatload runs the
// workloads, and package chatplot draws the pictures.
//
// To add a server, add it to Servers and give it a style in package chatplot. If
// it needs more than its own command line, see Place in package chatload. See
// package measured for the rounds, and for the value that is reported.
package chatbench

import (
	"time"

	"fopnp/internal/measured"
)

// The units of a round's values, under the names that benchstat shows. A
// delivery is a message that a client has received. When a hundred clients hear
// a message, that is a hundred deliveries.
const (
	// CPU is the user and system time of the server's process.
	CPU = "server-µs/delivery"

	Rate = "deliveries/s"

	// Median and P99 are times from the moment when a client speaks until the
	// last client has received the message. Half of the messages have reached
	// their last client within Median, and all but one in a hundred within P99.
	Median = "last-p50-µs"
	P99    = "last-p99-µs"

	// Batch is how many segments with messages clients receive for each
	// delivery. The pages have the opposite: how many messages are in a segment,
	// which shows how many the server sends in one write. The kernel also counts
	// duplicate segments, so one message may come in 1.01 segments.
	Batch = "segments/delivery"

	// Memory is the server's memory for a client that has heard one message.
	Memory = "B/client"

	// The clients must not be the bottleneck. This is what they cost.
	GeneratorCPU = "generator-µs/delivery"
)

// Benchmark says under which names the data are stored.
var Benchmark = measured.Benchmark{
	Name: "BenchmarkChat", Package: "fopnp/lecture", File: "chat",
	Units: []string{CPU, Rate, Median, P99, Batch, Memory, GeneratorCPU},
}

// Base is the server that the others are compared with.
const Base = "chat_server_multithread"

// Servers lists the servers in the order of the page.
var Servers = []string{
	Base,
	"chat_server_poll",
	"chat_server_eventlet",
	"chat_server_asyncio",
}

// A Workload describes what clients do in a chat. All of them read every
// message. Each speaker says its next message when it has heard its last one.
type Workload struct {
	Name     string
	About    string // a description for the page
	Servers  []string
	Clients  []int // how many are in the chat; each number is one measurement
	Speakers int   // how many of them speak, at most all; 0: the first client says one message
	Stuck    bool  // one more client never reads, and messages wait for it
	Window   time.Duration
}

// Text is how many bytes a message has, and Least how many messages a window
// has at least.
const (
	Text  = 64
	Least = 100
)

var sizes = []int{10, 100, 1000}

// Workloads lists all workloads in the order in which they run.
var Workloads = []Workload{
	{
		Name: "one",
		About: "10, 100 and 1,000 clients are in the chat. One of them " +
			"speaks: as soon as it has heard its last message, it sends the next one.",
		Servers: Servers, Clients: sizes, Speakers: 1, Window: 250 * time.Millisecond,
	}, {
		Name:    "twenty",
		About:   "The same, but twenty clients speak (all ten, if there are only ten).",
		Servers: Servers, Clients: sizes, Speakers: 20, Window: 250 * time.Millisecond,
	}, {
		Name: "one-stuck",
		About: "`one`, plus a client that never reads. From " +
			"beginning to end, messages for it wait in the server.",
		Servers: Servers, Clients: sizes, Speakers: 1, Stuck: true,
		Window: 250 * time.Millisecond,
	}, {
		Name:    "twenty-stuck",
		About:   "`twenty`, plus such a client.",
		Servers: Servers, Clients: sizes, Speakers: 20, Stuck: true,
		Window: 250 * time.Millisecond,
	}, {
		Name: "run-queue",
		About: "`twenty` with 200 and with 300 clients, for " +
			"`chat_server_multithread`.",
		Servers: []string{Base}, Clients: []int{200, 300},
		Speakers: 20, Window: 250 * time.Millisecond,
	}, {
		Name:    "memory",
		About:   "1,000 clients connect, hear one message and are silent.",
		Servers: Servers, Clients: []int{1000},
	},
}

// Data are the results of one run of the benchmark.
type Data struct {
	measured.Data
	Timelines []Timeline `json:"timelines"`
}

// Load reads the data in a folder.
func Load(folder string) (*Data, error) {
	data := new(Data)
	if err := Benchmark.Load(folder, data); err != nil {
		return nil, err
	}
	return data, nil
}

// Save writes the data to chat.json in a folder, which it creates if needed, and
// the samples that they sum up to chat.txt.
func (d *Data) Save(folder string, samples []measured.Sample) error {
	return Benchmark.Save(folder, d, d.Machine, samples)
}
