package lanes

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tell gives a machine one step: a packet or a sample. A step is a line such as
//
//	2 1 connects           at 2 ms, client 1
//	3 1 asks hello         also answers, hangsup, ends, resets, cuts
//	4 sample 1+ 2 3u       the sockets of clients: accepted, in the queue, unread
func tell(m *Machine, line string) error {
	words := strings.Fields(line)
	ms, err := strconv.ParseFloat(words[0], 64)
	if err != nil || len(words) < 2 {
		return fmt.Errorf("not a step: %q", line)
	}
	at := time.Duration(ms * float64(time.Millisecond))
	if words[1] == "sample" {
		s := Sample{At: at, Listens: []uint16{server}}
		for _, word := range words[2:] {
			n, _ := strconv.Atoi(strings.TrimRight(word, "+ueo"))
			s.Sockets = append(s.Sockets, Socket{
				Conn:     Conn{server, uint16(n)},
				Accepted: strings.ContainsAny(word, "+ue"),
				Unread:   strings.Contains(word, "u"),
				Ended:    strings.Contains(word, "e"),
				Owes:     strings.Contains(word, "o"),
			})
		}
		m.Sample(s)
		return nil
	}
	n, err := strconv.Atoi(words[1])
	if err != nil {
		return fmt.Errorf("not a step: %q", line)
	}
	text := strings.Join(words[3:], " ")
	in := Packet{At: at, From: uint16(n), To: server, ACK: true, Size: len(text), Text: oneBuffer[:copy(oneBuffer[:], text)]}
	out := in
	out.From, out.To = in.To, in.From
	switch words[2] {
	case "connects":
		in.SYN, in.ACK = true, false
		m.Packet(in)
	case "asks":
		m.Packet(in)
	case "answers":
		m.Packet(out)
	case "hangsup":
		in.FIN = true
		m.Packet(in)
	case "ends":
		out.FIN = true
		m.Packet(out)
	case "resets":
		in.RST = true
		m.Packet(in)
	case "cuts":
		out.RST = true
		m.Packet(out)
	default:
		return fmt.Errorf("not a step: %q", line)
	}
	return nil
}

const server = 1060

// oneBuffer holds the text of each packet, one after the other, as in a watcher.
var oneBuffer [TextLimit]byte

// states lists the states of a lane: "queue 2, served 5, idle 7".
func states(events []Event, client uint16) string {
	var all []string
	for _, e := range events {
		if e.Client == client && slices.Contains([]State{Queue, Waits, Served, Idle, Gone}, State(e.Kind)) {
			all = append(all, fmt.Sprintf("%s %g", e.Kind, float64(e.At)/float64(time.Millisecond)))
		}
	}
	return strings.Join(all, ", ")
}

func TestStates(t *testing.T) {
	for _, test := range []struct {
		what, steps string
		one, two    string // the states of client 1 and 2
	}{
		{
			what: "the server answers before we look",
			steps: `1 1 connects
				2 1 asks a
				3 1 answers b
				4 1 hangsup
				5 1 ends`,
			one: "served 2, idle 3, gone 5",
		},
		{
			what: "the server works at an answer",
			steps: `1 1 connects
				2 sample 1+
				3 1 asks a
				4 sample 1+
				9 1 answers b
				10 sample 1+
				40 sample 1+`,
			one: "idle 1, served 3, idle 9",
		},
		{
			what: "the answer and the end came while we looked",
			steps: `1 1 connects
				2 1 asks a
				3 sample 1
				8 sample 1e
				8.1 1 answers b
				8.2 1 ends
				9 1 hangsup`,
			one: "queue 1, served 3, idle 8.1, gone 9",
		},
		{
			what: "what a client says after the end, and its own end, wait for nothing",
			steps: `1 1 connects
				2 sample 1+
				3 1 asks a
				4 1 answers b
				5 1 ends
				6 1 asks c
				7 sample 1ue
				8 1 hangsup`,
			one: "idle 1, served 3, idle 4, gone 8",
		},
		{
			what: "the next question ends the answer",
			steps: `1 1 connects
				2 1 asks a
				3 sample 1+
				9 1 answers b
				10 1 asks c
				11 sample 1+
				19 1 answers d
				50 sample 1+`,
			one: "served 2, idle 9, served 10, idle 19",
		},
		{
			what: "an answer in pieces is one answer",
			steps: `1 1 connects
				2 1 asks a
				3 sample 1+
				9 1 answers b
				20 sample 1+
				25 1 answers c
				44 sample 1+
				46 sample 1+`,
			one: "served 2, idle 25",
		},
		{
			what: "a server with one place: the second client is in the queue, though it has asked",
			steps: `1 1 connects
				1 1 asks a
				1 2 connects
				1 2 asks a
				2 sample 1+ 2
				9 1 answers b
				9 1 hangsup
				9 1 ends
				10 sample 2
				11 sample 2+
				20 2 answers b
				50 sample 2+`,
			one: "served 1, idle 9, gone 9",
			two: "queue 1, served 11, idle 20",
		},
		{
			what: "an event loop that is busy: the second client has been accepted and waits",
			steps: `1 1 connects
				1 2 connects
				2 sample 1+ 2+
				3 1 asks a
				4 2 asks a
				5 sample 1+ 2u
				13 1 answers b
				14 sample 1+ 2+
				24 2 answers b
				60 sample 1+ 2+`,
			one: "idle 1, served 3, idle 13",
			two: "idle 1, waits 4, served 14, idle 24",
		},
		{
			what: "it was read and answered between two looks",
			steps: `1 1 connects
				2 1 asks a
				5 sample 1u
				9 1 answers b
				60 sample 1+`,
			one: "waits 2, served 5, idle 9",
		},
		{
			what: "two questions at once: the second waits until the first is answered",
			steps: `1 1 connects
				2 1 asks a
				2 1 asks b
				3 sample 1u
				9 1 answers c
				10 sample 1u
				11 sample 1+
				19 1 answers d
				60 sample 1+`,
			one: "waits 2, served 3, idle 9, waits 10, served 11, idle 19",
		},
		{
			what: "a server that speaks first",
			steps: `1 1 connects
				2 1 answers time
				2 1 ends
				3 1 hangsup`,
			one: "gone 3",
		},
		{
			what: "the server hangs up instead of answering",
			steps: `1 1 connects
				2 1 asks a
				3 sample 1+
				9 1 ends
				10 sample 1e`,
			one: "served 2, idle 9",
		},
		{
			what: "a client that hangs up may still be owed an answer",
			steps: `1 1 connects
				2 1 asks a
				2 1 hangsup
				3 sample 1+
				9 1 answers b
				9 1 ends`,
			one: "served 2, idle 9, gone 9",
		},
		{
			what: "a chat: the message has reached the others, and its writer waits for nothing",
			steps: `1 1 connects
				1 2 connects
				2 sample 1+ 2+
				3 1 asks hello
				4 sample 1+ 2+
				5 2 answers [1] hello
				30 sample 1+ 2+`,
			one: "idle 1, served 3, idle 5",
			two: "idle 1",
		},
		{
			what: "an answer to another client, as long as the question, is not the question",
			steps: `1 1 connects
				1 2 connects
				2 sample 1+ 2+
				3 1 asks question of one
				4 2 asks question of two
				5 sample 1+ 2u
				9 1 answers the answer to one
				10 sample 1+ 2u
				11 sample 1+ 2+
				19 2 answers the answer to two
				60 sample 1+ 2+`,
			one: "idle 1, served 3, idle 9",
			two: "idle 1, waits 4, served 11, idle 19",
		},
		{
			what: "no server listens",
			steps: `1 1 connects
				1 1 cuts`,
			one: "gone 1",
		},
		{
			what: "the client breaks off",
			steps: `1 1 connects
				2 1 asks a
				3 sample 1+
				4 1 resets`,
			one: "served 2, gone 4",
		},
		{
			what: "the client comes again from the same port",
			steps: `1 1 connects
				2 1 asks a
				3 sample 1+
				5 1 connects
				6 sample 1`,
			one: "served 2, gone 5, queue 5",
		},
		{
			what: "a packet that is sent again begins nothing",
			steps: `1 1 connects
				500 1 connects
				501 sample 1`,
			one: "queue 1",
		},
		{
			what: "the kernel no longer knows the connection",
			steps: `1 1 connects
				2 sample 1+
				3 sample
				4 sample`,
			one: "idle 1, gone 3",
		},
		{
			what: "a sample is ahead of the packets that end a connection",
			steps: `1 1 connects
				2 1 asks a
				3 sample 1+
				9 sample
				8 1 answers b
				8 1 ends
				8 1 hangsup
				10 sample`,
			one: "served 2, idle 8, gone 8",
		},
		{
			what:  "a lane that we did not see begin ended before the sample",
			steps: `1 sample 1+`,
		},
	} {
		m := &Machine{}
		for line := range strings.Lines(test.steps) {
			if err := tell(m, strings.TrimSpace(line)); err != nil {
				t.Fatal(err)
			}
		}
		events := m.Take()
		if got := states(events, 1); got != test.one {
			t.Errorf("%s: client 1 is\n%s, want\n%s", test.what, got, test.one)
		}
		if got := states(events, 2); test.two != "" && got != test.two {
			t.Errorf("%s: client 2 is\n%s, want\n%s", test.what, got, test.two)
		}
	}
}

// Where we may not capture packets, samples alone must be enough.
func TestNoPackets(t *testing.T) {
	m := &Machine{NoPackets: true}
	for _, line := range []string{
		"1 sample 1+ 2",
		"2 sample 1uo 2",
		"3 sample 1+o 2",
		"9 sample 1+ 2",
		"30 sample 1+ 2+",
		"31 sample 2+",
	} {
		if err := tell(m, line); err != nil {
			t.Fatal(err)
		}
	}
	events := m.Take()
	if got, want := states(events, 1), "idle 1, waits 2, served 3, idle 9, gone 31"; got != want {
		t.Errorf("client 1 is %s, want %s", got, want)
	}
	if got, want := states(events, 2), "queue 1, idle 30"; got != want {
		t.Errorf("client 2 is %s, want %s", got, want)
	}
}

// What is said is reported as it goes over the network, with its times.
func TestSaid(t *testing.T) {
	m := &Machine{}
	for _, line := range []string{
		"0 sample",
		"1 1 connects", "2 1 asks one", "2 1 asks two", "3 1 answers three", "4 1 hangsup", "5 1 ends",
		"6 2 connects", "6 2 cuts",
		"7 3 connects", "8 sample 3+", "9 3 cuts",
		"10 4 connects", "11 4 resets",
	} {
		if err := tell(m, line); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []Packet{
		{UDP: true, From: 9, To: 2345, Size: 2, Text: []byte("hi")},
		{UDP: true, From: 2345, To: 9, Size: 2, Text: []byte("HI")},
	} {
		m.Packet(p)
	}
	var got []string
	for _, e := range m.Take() {
		if slices.Contains([]State{Queue, Waits, Served, Idle, Gone}, State(e.Kind)) {
			continue
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d %v %d %s", e.Client, e.Kind, e.Size, e.Text)))
	}
	want := []string{
		"0 listens 0",
		"1 connects 0", "1 asks 6 one", "1 answers 5 three", "1 hangs up 0", "1 is hung up on 0",
		"2 connects 0", "2 is refused 0",
		"3 connects 0", "3 is cut off 0",
		"4 connects 0", "4 breaks off 0",
		"9 asks 2 hi", "9 answers 2 HI",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what was said (-want +got):\n%s", d)
	}
}

// However much happens, the machine keeps and reports a limited number of things,
// and counts the others.
func TestLimits(t *testing.T) {
	m := &Machine{}
	for i := range uint16(2 * maxLanes) {
		m.Packet(Packet{At: time.Duration(i), From: 1000 + i, To: server, SYN: true})
	}
	if len(m.lanes) != maxLanes {
		t.Errorf("it follows %d lanes, want %d", len(m.lanes), maxLanes)
	}
	for i := range uint16(10000) {
		m.Packet(Packet{At: time.Duration(1000 + i), From: 1000 + i%maxLanes, To: server, Size: 1})
		m.Packet(Packet{At: time.Duration(1000 + i), To: 1000 + i%maxLanes, From: server, Size: 1})
	}
	events := m.Take()
	last := events[len(events)-1]
	if len(events) > maxEvents+2*maxLanes || last.Kind != Omitted || last.Size < 10000 {
		t.Errorf("%d events, and at last %+v", len(events), last)
	}
	if events := m.Take(); events != nil {
		t.Errorf("there are events again: %v", events)
	}
}

// The same limits hold if each client connects, asks nothing, and leaves at
// once.
func TestShortConnections(t *testing.T) {
	for _, m := range []*Machine{{}, {NoPackets: true}} {
		for i := range uint16(10000) {
			at := time.Duration(i)
			if !m.NoPackets {
				m.Packet(Packet{At: at, From: 1000 + i, To: server, SYN: true})
				m.Packet(Packet{At: at, From: 1000 + i, To: server, RST: true})
				continue
			}
			m.Sample(Sample{At: at, Sockets: []Socket{{Conn: Conn{server, 1000 + i}}}})
		}
		events := m.Take()
		last := events[len(events)-1]
		if len(events) > maxEvents+3 || last.Kind != Omitted || last.Size < 9000 {
			t.Errorf("without packets: %t: %d events, and at last %+v", m.NoPackets, len(events), last)
		}
	}
}

// The machine reports lost packets once, as one number. A client whose last packet was
// among them leaves when the samples no longer show it.
func TestLose(t *testing.T) {
	m := &Machine{}
	tell(m, "1 1 connects")
	tell(m, "2 sample 1+")
	m.Take()
	m.Lose(0, 3*time.Millisecond)
	if events := m.Take(); events != nil {
		t.Errorf("nothing was lost, and yet: %+v", events)
	}
	m.Lose(3, 4*time.Millisecond)
	m.Lose(4, 5*time.Millisecond)
	if events := m.Take(); len(events) != 1 || events[0] != (Event{At: 5 * time.Millisecond, Kind: Lost, Size: 7}) {
		t.Errorf("seven packets were lost: %+v", events)
	}
	tell(m, "6 sample")
	tell(m, "7 sample")
	if got := states(m.Take(), 1); got != "gone 6" {
		t.Errorf("the client is %s", got)
	}
}

// The machine forgets which ports have exchanged datagrams before there are too many.
func TestManyDatagrams(t *testing.T) {
	m := &Machine{}
	for i := range uint16(20000) {
		m.Packet(Packet{UDP: true, From: 30000 + i, To: server, Size: 1})
		if len(m.known) > 16*maxLanes {
			t.Fatalf("it knows %d pairs of ports, want at most %d", len(m.known), 16*maxLanes)
		}
	}
	m.Take()
	m.Packet(Packet{UDP: true, From: server, To: 49999, Size: 1})
	if events := m.Take(); len(events) != 1 || events[0].Kind != Answers {
		t.Errorf("the last answer is reported as %+v", events)
	}
}

func TestParsePacket(t *testing.T) {
	tcp := func(flags byte, text string) []byte {
		b := append(make([]byte, 40), text...)
		b[0], b[9], b[32], b[33] = 0x45, 6, 0x50, flags
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		binary.BigEndian.PutUint16(b[20:], 40000)
		binary.BigEndian.PutUint16(b[22:], server)
		return b
	}
	udp6 := append(make([]byte, 48), "hi"...)
	udp6[0], udp6[5], udp6[6], udp6[41], udp6[43] = 0x60, 10, 17, 5, 7
	fragment, options, long := tcp(16, "x"), tcp(16, "abcdef"), tcp(16, strings.Repeat("x", 500))
	fragment[7] = 1
	options[32] = 0x60
	for _, test := range []struct {
		what string
		b    []byte
		want Packet
		ok   bool
	}{
		{"a segment", tcp(16, "hello"), Packet{From: 40000, To: server, ACK: true, Size: 5, Text: []byte("hello")}, true},
		{"a SYN", tcp(2, ""), Packet{From: 40000, To: server, SYN: true}, true},
		{"a FIN", tcp(17, ""), Packet{From: 40000, To: server, FIN: true, ACK: true}, true},
		{"a RST", tcp(4, ""), Packet{From: 40000, To: server, RST: true}, true},
		{"a header with options", options, Packet{From: 40000, To: server, ACK: true, Size: 2, Text: []byte("ef")}, true},
		{"the beginning of a long one", long[:60], Packet{From: 40000, To: server, ACK: true, Size: 500, Text: long[40:60]}, true},
		{"a link's padding", append(tcp(2, ""), 0, 0), Packet{From: 40000, To: server, SYN: true}, true},
		{"a datagram over IPv6", udp6, Packet{UDP: true, From: 5, To: 7, Size: 2, Text: []byte("hi")}, true},
		{"a fragment", fragment, Packet{}, false},
		{"half a header", tcp(16, "")[:30], Packet{}, false},
		{"nothing", nil, Packet{}, false},
	} {
		got, ok := ParsePacket(test.b)
		if len(got.Text) == 0 {
			got.Text = nil
		}
		if d := cmp.Diff(test.want, got); ok != test.ok || ok && d != "" {
			t.Errorf("%s: %v, %s", test.what, ok, d)
		}
	}
}

// The doubt about a state grows with the time between two samples.
func TestDoubt(t *testing.T) {
	for _, test := range []struct{ what, steps, want string }{
		{
			what: "the server may have read the question just after the sample before",
			steps: `1 1 connects
				2 sample 1
				10 sample 1+
				20 1 asks a
				21 sample 1+u
				50 sample 1+
				90 1 answers b
				150 sample 1+`,
			want: "queue 1±0, idle 10±8, waits 20±1, served 50±29, idle 90±0",
		},
		{
			what: "the answer comes before the next sample",
			steps: `1 1 connects
				2 sample 1+u
				3 1 asks a
				4 sample 1+u
				90 1 answers b
				91 1 asks c
				99 1 answers d
				150 sample 1+`,
			want: "waits 2±1, served 4±86, idle 90±0, served 91±8, idle 99±0",
		},
	} {
		m := &Machine{}
		for line := range strings.Lines(test.steps) {
			if err := tell(m, line); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, e := range m.Take() {
			if strings.Contains("queue waits served idle", e.Kind) {
				got = append(got, fmt.Sprintf("%s %d±%d", e.Kind, e.At.Milliseconds(), e.Doubt.Milliseconds()))
			}
		}
		if diff := cmp.Diff(test.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.what, diff)
		}
	}
}

// FuzzMachine turns any bytes into packets and samples. The machine must report
// states that follow each other, and stay within its limits.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 1, 2, 1, 4, 1, 1, 1, 2, 1, 5, 1, 1, 1})
	f.Add([]byte("0a1b2c3d4e5f6g7h8i9j"))
	f.Fuzz(func(t *testing.T, program []byte) {
		m := &Machine{NoPackets: len(program) > 0 && program[0] >= 128}
		last := map[Conn]Event{}
		said := map[Conn]time.Duration{}
		var at time.Duration
		for ; len(program) >= 2; program = program[2:] {
			what, who := program[0], uint16(program[1]%8)
			at += time.Duration(what>>4) * time.Millisecond
			p := Packet{At: at, From: who, To: server}
			if what&1 != 0 {
				p.From, p.To = p.To, p.From
			}
			switch what >> 1 & 7 {
			case 0:
				p.SYN = true
			case 1:
				p.FIN = true
			case 2:
				p.RST = true
			case 3:
				p.UDP, p.Size, p.Text = true, 1, []byte{what}
			case 4, 5:
				p.Size, p.Text = 1, []byte{program[1]}
			default:
				s := Sample{At: at, Listens: []uint16{server}}
				for i := range uint16(8) {
					if program[1]>>i&1 != 0 {
						s.Sockets = append(s.Sockets, Socket{Conn: Conn{server, i},
							Accepted: what&1 != 0, Unread: i&1 != 0, Ended: i&2 != 0, Owes: i&4 != 0})
					}
				}
				m.Sample(s)
				continue
			}
			if !m.NoPackets {
				m.Packet(p)
			}
			if what%5 != 0 {
				continue
			}
			events := m.Take()
			if len(events) > maxEvents+2*maxLanes+2 { // with Listens and Omitted
				t.Fatalf("%d events", len(events))
			}
			omitted := slices.ContainsFunc(events, func(e Event) bool { return e.Kind == Omitted })
			for _, e := range events {
				switch State(e.Kind) {
				case Queue, Waits, Served, Idle, Gone:
					was := last[e.Conn]
					if e.At < was.At || e.Kind == was.Kind && State(e.Kind) != Gone && !omitted {
						t.Fatalf("%+v follows %+v", e, was)
					}
					last[e.Conn] = e
				default:
					if e.At < said[e.Conn] && e.Kind != Omitted {
						t.Fatalf("%+v comes after %v", e, said[e.Conn])
					}
					said[e.Conn] = max(said[e.Conn], e.At)
				}
				if e.At > at || e.Doubt < 0 {
					t.Fatalf("%+v is in the future", e)
				}
			}
			if len(m.lanes) > maxLanes {
				t.Fatalf("%d lanes", len(m.lanes))
			}
		}
	})
}

// FuzzParsePacket parses any bytes. What ParsePacket returns must be within its
// limits.
func FuzzParsePacket(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 40})
	f.Add(append([]byte{0x60, 0, 0, 0, 0, 8, 17}, make([]byte, 50)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := ParsePacket(b)
		if ok && (p.Size < len(p.Text) || len(p.Text) > TextLimit) {
			t.Errorf("%+v", p)
		}
	})
}
