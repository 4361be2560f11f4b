package live

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"fopnp/internal/listings"
)

// The program timeline runs six clients and draws, from its own clock, when each of
// them waits and is served. We watch the same six clients from outside. Both must see
// the same, for each architecture. A busy machine may let timeline look at its clock too
// late, so it may run three times.
func TestLanes(t *testing.T) {
	b := open(t, false)
	for _, l := range listings.On("chapter07", listings.Server) {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			for try := 1; ; try++ {
				wrong := compareLanes(b.visit(t), l.Name)
				if wrong == "" {
					return
				}
				if try == 3 {
					t.Error(wrong)
					return
				}
				t.Logf("try %d: %s", try, wrong)
			}
		})
	}
}

// compareLanes runs timeline with a server and returns what it and the lanes of the
// client c see differently.
func compareLanes(c *client, server string) (wrong string) {
	defer c.conn.CloseNow()
	typeAt := c.terminal()
	typeAt(fmt.Sprintf("go run ./chapter07/timeline %s -d %dms", server, cost))
	id := c.pane(terminalPane)
	chart := regexp.MustCompile(`(?m)^(\d) ([.# ]*#)\r\n`)
	c.until("the chart is there", func() bool {
		return len(chart.FindAllString(c.screens[id], -1)) == 6 && strings.HasSuffix(c.screens[id], "$ ")
	})
	c.until("all clients have left", func() bool { return len(seen(c.lanes)) == 6 && len(gone(c.lanes)) >= 6 })
	rows := seen(c.lanes)
	for i, m := range chart.FindAllStringSubmatch(c.screens[id], -1) {
		for _, difference := range compareRow(m[2], rows[i]) {
			wrong += fmt.Sprintf("client %d: %s\n", i+1, difference)
		}
	}
	if wrong != "" {
		wrong += "timeline drew\n" + c.screens[id]
	}
	return wrong
}

// cost is how long an answer takes, in ms. A column of the chart is a quarter of it.
const (
	cost   = 200
	column = cost / 4
)

// A row is what we have seen of one client. Times are in ms since the first connected.
type row struct {
	client   uint16
	states   []laneEvent
	answered []float64
}

// seen returns the clients in the order in which they connected.
func seen(events []laneEvent) (rows []*row) {
	find := func(e laneEvent) *row {
		for _, r := range rows {
			if r.client == e.Client {
				return r
			}
		}
		return nil
	}
	begin := 0.0
	for _, e := range events {
		if e.Kind == "connects" {
			if rows == nil {
				begin = e.At
			}
			rows = append(rows, &row{client: e.Client})
		}
	}
	for _, e := range events {
		r := find(e)
		if r == nil {
			continue
		}
		e.At -= begin
		switch e.Kind {
		case "queue", "waits", "served", "idle", "gone":
			r.states = append(r.states, e)
		case "answers":
			r.answered = append(r.answered, e.At)
		}
	}
	return rows
}

// at returns the state at a time, or several possible ones if no sample shows
// when the state changed.
func (r *row) at(ms float64) (possible []string) {
	for i, e := range r.states {
		ended := i+1 < len(r.states) && ms >= r.states[i+1].At+r.states[i+1].Doubt
		if e.At-e.Doubt <= ms && !ended {
			possible = append(possible, e.Kind)
		}
	}
	return possible
}

// isOneOf reports whether the state at a time may have been one of wanted.
func (r *row) isOneOf(ms float64, wanted ...string) bool {
	return slices.ContainsFunc(r.at(ms), func(state string) bool { return slices.Contains(wanted, state) })
}

// compareRow compares a line of the chart with what we have seen, and returns the
// differences: the last answer comes in the same column, or the one beside it, and in
// the middle of each stretch of the line the client is in the state that the line shows.
func compareRow(line string, r *row) (differences []string) {
	differs := func(format string, args ...any) {
		differences = append(differences, fmt.Sprintf(format, args...)+"; it was "+history(r))
	}
	if len(r.answered) != 3 {
		differs("%d answers, want 3", len(r.answered))
		return differences
	}
	if end := r.answered[2] / column; math.Abs(end-float64(len(line))) > 1.5 {
		differs("the last answer came in column %.1f, and the chart has %d columns", end, len(line))
	}
	for _, at := range r.answered {
		if !r.isOneOf(at-1, "served") {
			differs("just before the answer at %.0f ms it is %q", at, r.at(at-1))
		}
	}
	for from := 0; from < len(line); {
		to := from
		for to < len(line) && line[to] == line[from] {
			to++
		}
		want := map[byte][]string{'#': {"served"}, '.': {"queue", "waits"}, ' ': {"idle"}}[line[from]]
		middle := float64(from+to) / 2 * column
		if line[from] == '#' { // perhaps several answers; the last took four columns
			middle = float64(to-2) * column
		}
		if to-from >= 3 && !r.isOneOf(middle, want...) {
			differs("at %.0f ms it is %q, and the chart shows %q", middle, r.at(middle), line[from:to])
		}
		from = to
	}
	return differences
}

func history(r *row) string {
	var all []string
	for _, e := range r.states {
		all = append(all, fmt.Sprintf("%s %.0f±%.0f", e.Kind, e.At, e.Doubt))
	}
	return strings.Join(all, ", ")
}

// The answer of tcp_sixteen is as long as the waiting clients' questions. The machine
// must not mistake it for one of them.
func TestLanesOfSixteen(t *testing.T) {
	c, typeAt := withThreeClients(t, "go run ./chapter03/tcp_sixteen server ''", 1060)
	typeAt("printf 'Hello, I am last' >&5")
	c.until("the last one is in the queue", func() bool { return kinds(c.lanes, 2) == "queue" })
	typeAt("printf 'Hello, it is me!' >&3; cat <&3; exec 3<&-")
	c.until("it is the second one's turn", func() bool { return kinds(c.lanes, 1) == "queue idle" })
	typeAt("printf 'Hello, I am next' >&4; cat <&4; exec 4<&-; cat <&5; exec 5<&-")
	c.until("all have left", func() bool { return len(gone(c.lanes)) == 3 })
	got := kinds(c.lanes, 2)
	ours := strings.Replace(got, "queue waits served", "queue served", 1) // it has asked long ago
	if ours != "queue served idle gone" && ours != "queue served gone" {
		t.Errorf("the last client was %q", got)
	}
}

// A chat client that speaks is served until the others have its message. The others
// never wait.
func TestLanesOfChat(t *testing.T) {
	c, typeAt := withThreeClients(t, "go run ./lecture/tincanchat/chat_server_poll", 4040)
	for n := range 3 {
		c.until("it is accepted", func() bool { return kinds(c.lanes, n) == "idle" || kinds(c.lanes, n) == "queue idle" })
	}
	typeAt(`printf 'hello\0' >&3; read -rd '' -u 3 a; read -rd '' -u 4 b; read -rd '' -u 5 c`)
	c.until("the client that speaks waits no longer", func() bool { return strings.HasSuffix(kinds(c.lanes, 0), "served idle") })
	if got := strings.TrimPrefix(kinds(c.lanes, 0), "queue "); got != "idle served idle" && got != "idle waits served idle" {
		t.Errorf("the client that speaks was %q", got)
	}
	for n := 1; n < 3; n++ {
		if got := strings.TrimPrefix(kinds(c.lanes, n), "queue "); got != "idle" {
			t.Errorf("client %d, which only listens, was %q", n+1, got)
		}
	}
	// A client that says no more may still listen, so the server keeps its connection, and
	// the lane goes on. It ends when the server's next message finds that the client has gone.
	typeAt("exec 3<&- 4<&- 5<&-")
	c.until("they hang up", func() bool { return count(c.lanes, "hangs up") == 3 })
	typeAt(`exec 6<>/dev/tcp/127.0.0.1/4040; printf 'hello?\0' >&6; read -rd '' -u 6 d`)
	c.until("they are gone", func() bool { return len(gone(c.lanes)) == 3 })
	if n := count(c.lanes, "breaks off"); n != 3 {
		t.Errorf("%d clients refused the message, want 3", n)
	}
	for n := range 3 {
		if got := kinds(c.lanes, n); !strings.HasSuffix(got, "idle gone") {
			t.Errorf("client %d was %q", n+1, got)
		}
	}
}

// Each of the six clients of a chat says something before it leaves.
func TestCrowdOfChat(t *testing.T) {
	c := open(t, false).visit(t)
	typeAt := c.terminal()
	typeAt("go run ./lecture/tincanchat/chat_server_poll &>log &")
	c.until("the server listens", func() bool { return count(c.lanes, "listens") > 0 })
	c.send(request{Do: "crowd"})
	c.until("all have spoken", func() bool {
		speakers := map[uint16]bool{}
		for _, e := range c.lanes {
			if e.Kind == "asks" && strings.Contains(e.Text, "good morning") {
				speakers[e.Client] = true
			}
		}
		return len(speakers) == crowdSize
	})
	c.until("all have left", func() bool { return count(c.lanes, "hangs up") == crowdSize })
}

// terminal opens a terminal and returns how to type a command there.
func (c *client) terminal() (typeAt func(command string)) {
	c.send(request{Do: "terminal"})
	c.until("there is a terminal", func() bool { return c.has(terminalPane) })
	id := c.pane(terminalPane)
	return func(command string) {
		c.until("there is a prompt", func() bool { return strings.HasSuffix(c.screens[id], "$ ") })
		c.mu.Lock()
		c.screens[id] = "" // or the next until would see the old prompt
		c.mu.Unlock()
		c.send(request{Do: "keys", Pane: id, Keys: command + "\r"})
	}
}

// has reports whether there is a pane of a kind. The caller holds c.mu.
func (c *client) has(kind paneKind) bool {
	for _, p := range c.panes {
		if p.Kind == kind {
			return true
		}
	}
	return false
}

// withThreeClients starts a server, and three clients that connect in the order of their
// descriptors in bash, from 3 on. It returns a browser and how to type in its terminal.
func withThreeClients(t *testing.T, server string, port uint16) (c *client, typeAt func(command string)) {
	t.Helper()
	c = open(t, false).visit(t)
	typeAt = c.terminal()
	typeAt(server + " &>log &")
	c.until("the server listens", func() bool {
		return slices.ContainsFunc(c.lanes, func(e laneEvent) bool { return e.Kind == "listens" && e.Server == port })
	})
	for n := range 3 {
		typeAt(fmt.Sprintf("exec %d<>/dev/tcp/127.0.0.1/%d", 3+n, port))
		c.until("it connects", func() bool { return len(seen(c.lanes)) == n+1 })
	}
	return c, typeAt
}

// kinds lists the states of a client, or returns "" if there is none yet.
func kinds(events []laneEvent, client int) string {
	rows := seen(events)
	if client >= len(rows) {
		return ""
	}
	var all []string
	for _, e := range rows[client].states {
		all = append(all, e.Kind)
	}
	return strings.Join(all, " ")
}

// count returns how many events are of a kind.
func count(events []laneEvent, kind string) (n int) {
	for _, e := range events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func gone(events []laneEvent) (all []laneEvent) {
	for _, e := range events {
		if e.Kind == "gone" {
			all = append(all, e)
		}
	}
	return all
}
