package zenbench

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// The clients of a timeline, and what each asks.
const (
	laneCount = 6
	perLane   = 3
)

// A Timeline is what clients saw who came to a server at once, one right after
// the other. Times are in ms since the first came.
type Timeline struct {
	Server string  `json:"server"`
	Cost   float64 `json:"cost_ms"` // of an answer
	Lanes  []Lane  `json:"lanes"`   // a client each, in the order in which they came
}

// A Lane is what one client saw. An answer costs the server the same time
// always: it is being served for so long before it hears the answer, and what
// else has passed since it asked it has waited.
type Lane struct {
	Asked    []float64 `json:"asked"`
	Answered []float64 `json:"answered"`
}

// Served returns from when to when the server was busy with the i-th answer.
func (l Lane) Served(i int, cost float64) (from, to float64) {
	return max(l.Asked[i], l.Answered[i]-cost), l.Answered[i]
}

// End is when the last client has its last answer.
func (t Timeline) End() (end float64) {
	for _, lane := range t.Lanes {
		end = max(end, lane.Answered[len(lane.Answered)-1])
	}
	return end
}

// RecordTimeline has six clients ask a server three questions each. Its answers
// must cost the time of cost.
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
		// All that it may have to wait for, twice over and then some.
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

// record asks the questions of one client, and says when it has asked the first.
func (l *Lane) record(conn net.Conn, begin time.Time, asked chan bool) error {
	defer conn.Close() // whoever waits for its place can have it
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

// milliseconds are those of d, to the tenth.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}

// String draws the timeline, a line for each client: # where it is being served,
// and . where it waits. Four columns are the time of an answer.
func (t Timeline) String() string {
	const perAnswer = 4
	column := func(ms float64) int { return int(ms/t.Cost*perAnswer + 0.5) }
	var s strings.Builder
	for i, lane := range t.Lanes {
		var line []byte
		for q := range lane.Asked {
			from, to := lane.Served(q, t.Cost)
			line = extend(line, column(lane.Asked[q]), ' ')
			line = extend(line, column(from), '.')
			line = extend(line, column(to), '#')
		}
		fmt.Fprintf(&s, "%d %s\n", i+1, line)
	}
	end := column(t.End())
	scale := "0"
	for at := 6 * perAnswer; at <= end; at += 6 * perAnswer { // every six answers
		mark := fmt.Sprintf("%g ms", float64(at/perAnswer)*t.Cost)
		scale += strings.Repeat(" ", max(1, at-len(scale))) + mark
	}
	fmt.Fprintf(&s, "  %s\n", scale)
	return s.String()
}

// extend makes line as long as length with marks.
func extend(line []byte, length int, mark byte) []byte {
	for len(line) < length {
		line = append(line, mark)
	}
	return line
}
