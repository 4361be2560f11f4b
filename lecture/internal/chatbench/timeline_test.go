package chatbench

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// chart shows two messages.
var chart = Timeline{
	Server: "chat_server_poll", Stuck: true, Dropped: 0.5,
	Speeches: []Speech{
		{Client: 0, Said: 0, Heard: []float64{0.1, 0.2, 0.2, 0.2, 0.2, 0.2}},
		{Client: 1, Said: 0.4, Heard: []float64{0.8, 0.8, 0.8, 0.8, 0.8, 0.6}},
	},
}

func TestTimelineString(t *testing.T) {
	want := `1 S.......*                       ................................*
2 ................*               S...............................*
3 ................*               ................................*
4 ................*               ................................*
5 ................*               ................................*
6 ................*               ................*
7 ........................................x
  0               0.2 ms          0.4 ms          0.6 ms          0.8 ms
`
	if diff := cmp.Diff(want, chart.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A timeline with a client that never reads shows the messages around the end of
// that client.
func TestAround(t *testing.T) {
	start := time.Now()
	r := &recording{}
	for n := range 100 {
		s := speech{client: n % readers, said: start.Add(time.Duration(n) * time.Millisecond)}
		for i := range s.heard {
			s.heard[i] = s.said.Add(time.Millisecond / 2)
		}
		r.speeches = append(r.speeches, s)
	}
	r.droppedAt = start.Add(50*time.Millisecond + time.Millisecond/4)
	for _, stuck := range []bool{false, true} {
		first, dropped := 0, 0.0
		if stuck {
			first, dropped = 45, 5.25
		}
		tl := r.around(stuck)
		if len(tl.Speeches) != speeches || tl.Speeches[0].Client != first%readers || tl.Dropped != dropped ||
			tl.Speeches[2].Said != 2 || tl.Speeches[2].Heard[5] != 2.5 {
			t.Errorf("stuck %v: %+v", stuck, tl)
		}
	}
}

// A client that hears what no other has said is an error, and so is a server that
// hangs up.
func TestRecordingNotices(t *testing.T) {
	for answer, want := range map[string]string{
		"('127.0.0.1', 1): hello\x00": "client 1 heard",
		"('127.0.0.1', 1): hel":       "client 1: EOF",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := listener.Accept()
			if err == nil {
				bufio.NewReader(conn).ReadString(0)
				conn.Write([]byte(answer))
				conn.Close()
			}
		}()
		r := &recording{address: listener.Addr().String(), heard: make(chan arrival, readers), deadline: time.Now().Add(10 * time.Second)}
		if err := r.join(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %s", answer, err, want)
		}
		r.close()
		listener.Close()
	}
}
