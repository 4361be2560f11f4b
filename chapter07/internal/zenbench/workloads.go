package zenbench

import (
	"time"

	"fopnp/internal/listings"
)

// Servers lists the chapter's seven servers, in the chapter's order.
var Servers = listings.Names(listings.On("chapter07", listings.Server))

// InetdPair lists the two servers that inetd starts.
var InetdPair = listings.Names(listings.On("chapter07", listings.Inetd))

// Variants lists versions of srv_single and srv_threaded that wait in a blocking
// read. The benchmark's own test binary runs them.
var Variants = []string{"single_blocking", "single_raw", "threaded_blocking"}

// AtOnce returns how many conversations a server or a variant holds at once. 0
// means no limit.
func AtOnce(server string) int {
	switch server {
	case "single_blocking", "single_raw":
		server = "srv_single"
	case "threaded_blocking":
		server = "srv_threaded"
	}
	l, _ := listings.Find(server)
	return l.AtOnce
}

// crowded lists the servers that hold any number of conversations.
var crowded = Servers[2:]

// A Workload describes what clients ask of a server.
type Workload struct {
	Name    string
	About   string // a description for the chapter's page, with its source
	Clients []int  // how many clients ask at once; each number is one measurement
	Servers []string

	Talk   Talk
	Crowd  int           // how many clients are connected; all but Clients are silent
	Slow   bool          // one more client began a question first, and never ends it
	Args   []string      // options for the server
	Window time.Duration // how long each round measures
}

// A Talk describes the conversation of each client.
type Talk struct {
	Depth     int // questions in one write
	Questions int // questions in a conversation, a multiple of Depth; 0 means no end
}

// Workloads lists all workloads in the order in which they run.
var Workloads = []Workload{
	{
		Name: "steady",
		About: "1, 4 and 100 clients connect, stay, and ask without pause. Nothing else happens: " +
			"the server accepts no further client and closes no connection.",
		Clients: []int{1, 4, 100}, Servers: Servers, Talk: Talk{1, 0}, Window: 300 * time.Millisecond,
	}, {
		Name:    "blocking",
		About:   "`steady`, for versions of `srv_single` and `srv_threaded` that wait in a blocking read.",
		Clients: []int{1, 4}, Servers: Variants, Talk: Talk{1, 0}, Window: 300 * time.Millisecond,
	}, {
		Name: "iterative",
		About: "One client after another connects, asks one question and leaves. " +
			"The idea is from Stevens, *UNIX Network Programming*, chapter 30: " +
			"whatever a server costs beyond the iterative one is the price of process control.",
		Clients: []int{1}, Servers: append(Servers[:len(Servers):len(Servers)], InetdPair...),
		Talk: Talk{1, 1}, Window: 300 * time.Millisecond,
	}, {
		Name: "closed-loop",
		About: "1 to 1,000 clients. Each connects, asks ten questions, hangs up and connects again. " +
			"The second edition of the book plots such a workload, for up to 20 clients.",
		Clients: []int{1, 2, 3, 5, 7, 10, 13, 16, 20, 32, 64, 128, 256, 512, 1000},
		Servers: Servers, Talk: Talk{1, 10}, Window: 150 * time.Millisecond,
	}, {
		Name:    "pipelined",
		About:   "32 clients stay and ask sixteen questions in each write.",
		Clients: []int{32}, Servers: Servers, Talk: Talk{16, 0}, Window: 300 * time.Millisecond,
	}, {
		Name:    "churn",
		About:   "32 clients. Each connects, asks three questions, hangs up and connects again.",
		Clients: []int{32}, Servers: Servers, Talk: Talk{1, 3}, Window: 300 * time.Millisecond,
	}, {
		Name:    "crowd",
		About:   "10,000 clients are connected. First 10 of them ask, then 2,000; the others are silent.",
		Clients: []int{10, 2000}, Servers: crowded, Talk: Talk{1, 0}, Crowd: 10_000, Window: 400 * time.Millisecond,
	}, {
		Name: "beside-slow",
		About: "`closed-loop` with 32 clients. One more client connects before them: it sends a byte every 10 ms " +
			"and never ends its question.",
		Clients: []int{32}, Servers: Servers, Talk: Talk{1, 10}, Slow: true, Window: 300 * time.Millisecond,
	}, {
		Name:    "expensive",
		About:   "`closed-loop` with 20 clients. Each answer makes the server sleep for 5 ms (`-d 5ms`).",
		Clients: []int{20}, Servers: Servers, Talk: Talk{1, 10}, Args: []string{"-d", "5ms"}, Window: 500 * time.Millisecond,
	},
}
