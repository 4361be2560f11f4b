package zenbench

import "time"

// Servers are all seven, in the order of the chapter.
var Servers = []string{"srv_single", "srv_threaded", "srv_async",
	"srv_asyncio1", "srv_asyncio2", "srv_legacy1", "srv_legacy2"}

// InetdPair are the two that inetd starts.
var InetdPair = []string{"in_zen1", "in_zen2"}

// Variants are what srv_single and srv_threaded would be if they waited otherwise.
var Variants = []string{"single_blocking", "single_raw", "threaded_blocking"}

// AtOnce is how many conversations a server holds, where that is bounded.
var AtOnce = map[string]int{"srv_single": 1, "srv_threaded": 4, "in_zen2": 1,
	"single_blocking": 1, "single_raw": 1, "threaded_blocking": 4}

// crowded are the servers that hold any number of conversations.
var crowded = Servers[2:]

// A Workload is what is asked of a server.
type Workload struct {
	Name    string
	About   string // what it is, and where it comes from
	Clients []int  // how many ask at once; each is a measurement of its own
	Servers []string

	Talk   Talk          // what they say
	Crowd  int           // so many are connected, of whom all but Clients are silent
	Slow   bool          // one more began a question before they came, and does not end it
	Args   []string      // options of the server
	Window time.Duration // for how long it is measured, in each round
}

// A Talk is what each client has to say.
type Talk struct {
	Depth     int // questions that are asked in one write
	Questions int // of one conversation, a multiple of Depth; 0 is without end
}

// Workloads are all of them.
var Workloads = []Workload{
	{
		Name: "steady",
		About: "100 clients (one of srv_single, four of srv_threaded) that stay and ask without pause. " +
			"The question alone: nobody is accepted, nobody leaves.",
		Clients: []int{100}, Servers: Servers, Talk: Talk{1, 0}, Window: 400 * time.Millisecond,
	}, {
		Name: "waiting",
		About: "As steady, of servers that hold a few conversations, and of the same if they waited otherwise: " +
			"in a read that blocks.",
		Clients: []int{4}, Servers: append(Servers[:2:2], Variants...), Talk: Talk{1, 0}, Window: 300 * time.Millisecond,
	}, {
		Name: "iterative",
		About: "One conversation of one question after another. " +
			"After Stevens, UNIX Network Programming, chapter 30: " +
			"what a server costs above the iterative one is what it spends on the control of its processes.",
		Clients: []int{1}, Servers: append(Servers[:len(Servers):len(Servers)], InetdPair...),
		Talk: Talk{1, 1}, Window: 300 * time.Millisecond,
	}, {
		Name: "closed-loop",
		About: "A number of clients, each of which connects, asks ten questions, leaves and comes again. " +
			"After the second edition of the book, whose curve went to 20 clients.",
		Clients: []int{1, 2, 3, 5, 7, 10, 13, 16, 20, 32, 64, 128, 256, 512, 1000},
		Servers: Servers, Talk: Talk{1, 10}, Window: 150 * time.Millisecond,
	}, {
		Name:    "pipelined",
		About:   "32 clients that ask sixteen questions in one write.",
		Clients: []int{32}, Servers: Servers, Talk: Talk{16, 0}, Window: 300 * time.Millisecond,
	}, {
		Name:    "churn",
		About:   "32 clients, each of which connects, asks three questions, leaves and comes again.",
		Clients: []int{32}, Servers: Servers, Talk: Talk{1, 3}, Window: 300 * time.Millisecond,
	}, {
		Name:    "crowd",
		About:   "10,000 clients are connected, of whom ten ask, and then 2,000.",
		Clients: []int{10, 2000}, Servers: crowded, Talk: Talk{1, 0}, Crowd: 10_000, Window: 400 * time.Millisecond,
	}, {
		Name: "beside-slow",
		About: "32 clients as in closed-loop, and before them came one that types a byte every ten milliseconds " +
			"and never ends its question.",
		Clients: []int{32}, Servers: Servers, Talk: Talk{1, 10}, Slow: true, Window: 300 * time.Millisecond,
	}, {
		Name:    "expensive",
		About:   "20 clients as in closed-loop, of a server whose answers cost 5 ms of waiting (-d 5ms).",
		Clients: []int{20}, Servers: Servers, Talk: Talk{1, 10}, Args: []string{"-d", "5ms"}, Window: 500 * time.Millisecond,
	},
}
