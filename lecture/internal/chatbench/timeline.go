package chatbench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"fopnp/internal/measured/timeline"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/child"
	"fopnp/lecture"
)

const (
	readers  = 6  // the clients of a timeline that read what comes
	speeches = 12 // how many messages it shows
)

// A Timeline records who spoke in a chat, and when each client had received the
// message. The clients spoke in turn, each as soon as all readers had the
// previous message. Times are in ms since the first message that the timeline
// shows.
type Timeline struct {
	Server   string   `json:"server"`
	Speeches []Speech `json:"speeches"`

	// Stuck is whether there was one more client, which never read, and Dropped
	// when the server disconnected it. Until then, messages waited for it.
	Stuck   bool    `json:"stuck"`
	Dropped float64 `json:"dropped_ms"`
}

// A Speech is a message.
type Speech struct {
	Client int       `json:"client"` // that spoke; the first is 0
	Said   float64   `json:"said_ms"`
	Heard  []float64 `json:"heard_ms"` // by each client
}

// RecordTimeline starts a chat server, the listing in a folder, and lets six
// clients speak. It returns an error if a client hears anything other than the
// others do, or if something takes much longer than it should.
//
// With stuck, one more client never reads. The others speak until the server has
// disconnected it, and the timeline shows the messages around that moment.
func RecordTimeline(folder, server string, stuck bool) (Timeline, error) {
	faults := make(firstWrite, 1)
	process, port, err := timeline.Start(folder+"/"+server, faults)
	if err != nil {
		return Timeline{}, err
	}
	defer process.Kill()
	r := &recording{address: net.JoinHostPort("127.0.0.1", port), dropped: faults,
		heard: make(chan arrival, readers), deadline: time.Now().Add(child.Patience)}
	defer r.close()
	text := "hello"
	if stuck {
		// Long messages, because the kernel keeps megabytes before any wait in
		// the server.
		text = strings.Repeat("x", 4000)
		err = r.joinStuck()
	}
	for range readers {
		if err == nil {
			err = r.join()
		}
	}
	if err == nil && stuck {
		err = r.talkUntilDropped(text)
	}
	for range speeches {
		if err == nil {
			err = r.speak(text)
		}
	}
	t := r.around(stuck)
	t.Server = server
	return t, err
}

// A firstWrite is a writer that reports the time of its first write.
type firstWrite chan time.Time

func (w firstWrite) Write(data []byte) (int, error) {
	select {
	case w <- time.Now():
	default:
	}
	return len(data), nil
}

// A recording holds the clients of a timeline.
type recording struct {
	address   string
	deadline  time.Time
	conns     []net.Conn // of those that read
	stuck     net.Conn
	heard     chan arrival
	dropped   <-chan time.Time
	droppedAt time.Time
	speeches  []speech
}

// An arrival is a message that a client has received.
type arrival struct {
	client int
	text   string
	at     time.Time
	err    error
}

type speech struct {
	client int
	said   time.Time
	heard  [readers]time.Time
}

// dial connects a client.
func (r *recording) dial() (net.Conn, error) {
	conn, err := net.Dial("tcp", r.address)
	if err == nil {
		err = conn.SetDeadline(r.deadline)
	}
	return conn, err
}

func (r *recording) close() {
	for _, conn := range r.conns {
		conn.Close()
	}
	if r.stuck != nil {
		r.stuck.Close()
	}
}

// joinStuck connects the client that never reads. It speaks first and waits until
// its own message has come, so it is in the chat before the others are.
func (r *recording) joinStuck() (err error) {
	if r.stuck, err = r.dial(); err != nil {
		return err
	}
	r.stuck.(*net.TCPConn).SetReadBuffer(4 << 10) // or more would fit into it
	return say(r.stuck, "hello", func() error {
		_, err := r.stuck.Read(make([]byte, 1))
		return err
	})
}

// say lets a client say a text and then waits.
func say(conn net.Conn, text string, wait func() error) error {
	if _, err := io.WriteString(conn, text+"\x00"); err != nil {
		return err
	}
	return wait()
}

// join connects a client, which says hello. All that are in the chat hear it.
func (r *recording) join() error {
	conn, err := r.dial()
	if err != nil {
		return err
	}
	client := len(r.conns)
	r.conns = append(r.conns, conn)
	go func() {
		messages := bufio.NewReaderSize(conn, 8<<10)
		for {
			text, err := messages.ReadString(0)
			r.heard <- arrival{client, text, time.Now(), err}
			if err != nil {
				return
			}
		}
	}()
	_, err = r.say(client, "hello")
	return err
}

// say lets a client say a text, and waits until all that read have it.
func (r *recording) say(client int, text string) (speech, error) {
	s := speech{client: client, said: time.Now()}
	conn := r.conns[client]
	want := pyfmt.Addr(conn.LocalAddr()) + ": " + text + "\x00"
	err := say(conn, text, func() error {
		for range r.conns {
			switch a := <-r.heard; {
			case a.err != nil:
				return fmt.Errorf("client %d: %w", a.client+1, a.err)
			case a.text != want:
				return fmt.Errorf("client %d heard %.60q, want %.60q", a.client+1, a.text, want)
			default:
				s.heard[a.client] = a.at
			}
		}
		return nil
	})
	return s, err
}

// speak is say for the next client and a message that the timeline can show.
func (r *recording) speak(text string) error {
	s, err := r.say(len(r.speeches)%readers, text)
	r.speeches = append(r.speeches, s)
	return err
}

// talkUntilDropped lets clients speak until the server has disconnected the one
// that never reads.
func (r *recording) talkUntilDropped(text string) error {
	for {
		select {
		case r.droppedAt = <-r.dropped:
			return nil
		default:
		}
		if len(r.speeches)*len(text) > 64*lecture.MaxWaiting {
			return errors.New("the server keeps too much for a client that never reads")
		}
		if err := r.speak(text); err != nil {
			return err
		}
	}
}

// around returns the timeline. If there was a client that never read, it shows as
// many messages from before the server dropped that client as from after.
func (r *recording) around(stuck bool) (t Timeline) {
	shown := r.speeches
	if stuck {
		for len(shown) > speeches && shown[speeches/2].said.Before(r.droppedAt) {
			shown = shown[1:]
		}
	}
	shown = shown[:min(len(shown), speeches)]
	if len(shown) == 0 {
		return t // it could not be recorded
	}
	since := func(at time.Time) float64 {
		return timeline.Milliseconds(at.Sub(shown[0].said), time.Microsecond)
	}
	for _, s := range shown {
		speech := Speech{Client: s.client, Said: since(s.said)}
		for _, at := range s.heard {
			speech.Heard = append(speech.Heard, since(at))
		}
		t.Speeches = append(t.Speeches, speech)
	}
	if t.Stuck = stuck; stuck {
		t.Dropped = since(r.droppedAt)
	}
	return t
}

// String draws the timeline with a line for each client: S where it speaks, .
// while it waits for a message, * where it has the message, and x where the server
// disconnects it.
func (t Timeline) String() string {
	const columns, mark = 64, 16
	end := t.Dropped
	for _, s := range t.Speeches {
		for _, at := range s.Heard {
			end = max(end, at)
		}
	}
	column := func(ms float64) int { return int(ms/end*columns + 0.5) }
	var chart strings.Builder
	for client := range readers {
		var line []byte
		for _, s := range t.Speeches {
			line = timeline.Extend(line, column(s.Said), ' ')
			if s.Client == client {
				line = append(line, 'S')
			}
			line = timeline.Extend(line, column(s.Heard[client]), '.')
			line = append(line, '*')
		}
		fmt.Fprintf(&chart, "%d %s\n", client+1, line)
	}
	if t.Stuck {
		line := timeline.Extend(nil, column(t.Dropped), '.')
		fmt.Fprintf(&chart, "%d %sx\n", readers+1, line)
	}
	fmt.Fprintf(&chart, "  %s\n", timeline.Scale(columns, mark, func(column int) string {
		return fmt.Sprintf("%.2g ms", float64(column)/columns*end)
	}))
	return chart.String()
}

// Summary says in one line what is the same in every recording.
func (t Timeline) Summary() string {
	if t.Stuck {
		return fmt.Sprintf("Client %d never read, and the server disconnected it. "+
			"The others heard everything.", readers+1)
	}
	return fmt.Sprintf("All %d clients heard everything.", readers)
}
