// Package webbench defines the workloads of the benchmark of the servers that
// send files, stores its results, and writes them for the lectures' pages.
// Package webload runs the workloads.
//
// See package measured for the rounds, and for the value that is reported.
package webbench

import (
	"time"

	"fopnp/internal/measured"
)

// The units of a round's values, under the names that benchstat shows.
const (
	// CPU is the user and system time of the server's process for a request,
	// PerGiB for a GiB of a large file.
	CPU    = "server-µs/request"
	PerGiB = "server-s/GiB"

	// Rate counts whole answers, Speed the bytes of the files in them.
	Rate  = "requests/s"
	Speed = "GiB/s"

	// Peak is the most memory that the server's process has had so far,
	// Memory what one connected, silent client takes.
	Peak   = "peak-B"
	Memory = "B/connection"

	// The clients must not be the bottleneck. This is what they cost.
	GeneratorCPU    = "generator-µs/request"
	GeneratorPerGiB = "generator-s/GiB"

	// BothPerGiB is PerGiB and GeneratorPerGiB together. On loopback, the
	// kernel does some of its work for a large file sometimes in one process
	// and sometimes in the other.
	BothPerGiB = "both-s/GiB"
)

// Benchmark says under which names the data are stored.
var Benchmark = measured.Benchmark{
	Name: "BenchmarkFiles", Package: "fopnp/lecture", File: "files",
	Units: []string{CPU, PerGiB, Rate, Speed, Peak, Memory,
		GeneratorCPU, GeneratorPerGiB, BothPerGiB},
}

// The servers. NetHTTP is the one in Go's library, a FileServer with one
// request for each connection; the benchmark's own test binary runs it.
// Python is the one that "python3 -m http.server" runs.
const (
	WebServer  = "webserver"
	NetHTTP    = "net_http"
	Python     = "python"
	FileServer = "file_server"
)

// SHA256 is not a server. It stands for crypto/sha256 in the benchmark's own
// process.
const SHA256 = "sha256"

var servers = []string{WebServer, NetHTTP, Python, FileServer}

// A Workload describes what clients ask of a server.
type Workload struct {
	Name    string
	About   string // a description for the pages
	Servers []string

	Clients int    // how many ask at once
	File    string // what they ask for; "": they are silent
	Size    int64  // of the file, in bytes

	// A round measures for the time Window, or if that is 0, Count requests.
	Window time.Duration
	Count  int
	Warm   bool // the server has sent the file before
}

const gib = 1 << 30

// Workloads lists all workloads in the order in which they run.
var Workloads = []Workload{
	{
		Name: "small",
		About: "16 clients. Each connects, asks for a file of 1 KiB, " +
			"receives it until the server closes, and connects again.",
		Servers: servers, Clients: 16, File: "small.txt", Size: 1 << 10,
		Window: time.Second, Warm: true,
	}, {
		Name: "big",
		About: "One client asks for a file of 1 GiB, eight times. " +
			"It throws away what it receives.",
		Servers: servers, Clients: 1, File: "big.bin", Size: gib,
		Count: 8, Warm: true,
	}, {
		Name: "first",
		About: "One client asks for a file of 1 GiB that the server " +
			"has not sent before, so `file_server` has to hash it.",
		Servers: []string{FileServer, SHA256}, Clients: 1,
		File: "big.bin", Size: gib, Count: 1,
	}, {
		Name:    "idle",
		About:   "2,000 clients connect and are silent.",
		Servers: servers, Clients: 2000,
	},
}

// Data are the results of one run of the Benchmark.
type Data struct {
	measured.Data

	// Python is the version of Python, such as "Python 3.11.7". It is "" if
	// the machine has no Python with an http.server.
	Python string `json:"python"`
}

// Load reads the data in a folder.
func Load(folder string) (*Data, error) {
	data := new(Data)
	if err := Benchmark.Load(folder, data); err != nil {
		return nil, err
	}
	return data, nil
}

// Save writes the data to files.json in a folder, which it creates if needed,
// and the samples that they sum up to files.txt.
func (d *Data) Save(folder string, samples []measured.Sample) error {
	return Benchmark.Save(folder, d, d.Machine, samples)
}
