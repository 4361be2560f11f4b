package zenbench

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"fopnp/internal/measured/timeline"
)

const (
	laneCount = 6 // the clients of a timeline
	perLane   = 3 // the questions of each client
)

// A Timeline records when each of several clients asked and was answered. All
// connect at once. Times are in ms since the first connected.
type Timeline struct {
	Server string  `json:"server"`
	Cost   float64 `json:"cost_ms"` // how long the server takes for each answer
	Lanes  []Lane  `json:"lanes"`   // one for each client, in the order in which they connected
}

// A Lane holds the times of one client. The server takes the same time for every
// answer, so the client was being served for that time before the answer came.
// For the rest of the time since its question, it waited.
type Lane struct {
	Asked    []float64 `json:"asked"`
	Answered []float64 `json:"answered"`
}

// Served returns when the server began and ended the answer to question i, if an
// answer takes it cost ms.
func (l Lane) Served(i int, cost float64) (from, to float64) {
	return max(l.Asked[i], l.Answered[i]-cost), l.Answered[i]
}

// End returns when the last answer came.
func (t Timeline) End() (end float64) {
	for _, lane := range t.Lanes {
		end = max(end, lane.Answered[len(lane.Answered)-1])
	}
	return end
}

// RecordTimeline lets six clients ask a server three questions each. The server
// must take the time cost for each answer (its option -d). It returns an error
// if a connection fails, or if an answer takes much longer than all of them
// should.
func RecordTimeline(server, address string, cost time.Duration) (Timeline, error) {
	t := Timeline{Server: server, Cost: milliseconds(cost), Lanes: make([]Lane, laneCount)}
	begin := time.Now()
	ended := make(chan error, laneCount)
	for i := range t.Lanes {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return t, err
		}
		defer conn.Close()
		// Twice the time of all answers, and some more for a busy machine.
		conn.SetDeadline(begin.Add(2*laneCount*perLane*cost + 10*time.Second))
		asked := make(chan bool)
		go func() { ended <- t.Lanes[i].record(conn, begin, asked) }()
		<-asked
	}
	for range t.Lanes {
		if err := <-ended; err != nil {
			return t, err
		}
	}
	return t, nil
}

// record asks the questions of one client. It closes asked after the first one.
func (l *Lane) record(conn net.Conn, begin time.Time, asked chan bool) error {
	defer conn.Close() // frees its place for a client that waits
	since := func() float64 { return milliseconds(time.Since(begin)) }
	answer := make([]byte, len("Complex."))
	for i := range perLane {
		l.Asked = append(l.Asked, since())
		_, err := io.WriteString(conn, "Simple is better than?")
		if i == 0 {
			close(asked)
		}
		if err == nil {
			_, err = io.ReadFull(conn, answer)
		}
		if err != nil {
			return err
		}
		l.Answered = append(l.Answered, since())
	}
	return nil
}

// milliseconds returns d in ms, rounded to a tenth.
func milliseconds(d time.Duration) float64 {
	return timeline.Milliseconds(d, 100*time.Microsecond)
}

// String draws the timeline with one line for each client: # while it is being
// served, . while it waits. An answer takes four columns.
func (t Timeline) String() string {
	const perAnswer = 4
	column := func(ms float64) int { return int(ms/t.Cost*perAnswer + 0.5) }
	var s strings.Builder
	for i, lane := range t.Lanes {
		var line []byte
		for q := range lane.Asked {
			from, to := lane.Served(q, t.Cost)
			line = timeline.Extend(line, column(lane.Asked[q]), ' ')
			line = timeline.Extend(line, column(from), '.')
			line = timeline.Extend(line, column(to), '#')
		}
		fmt.Fprintf(&s, "%d %s\n", i+1, line)
	}
	end := column(t.End())
	scale := timeline.Scale(end, 6*perAnswer, func(column int) string { // a mark every six answers
		return fmt.Sprintf("%g ms", float64(column/perAnswer)*t.Cost)
	})
	fmt.Fprintf(&s, "  %s\n", scale)
	return s.String()
}
