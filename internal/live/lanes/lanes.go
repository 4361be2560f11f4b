// Package lanes follows the connections of servers: which client is in the
// kernel's queue, which one has asked and waits, and which one is being served.
//
// It does not look at the programs. It has two inputs: every packet on the
// network and, now and then, a sample of the kernel's table of sockets. A packet
// says when a client asks and when the server answers, but not whether the
// server has read the question. The kernel's table says that, but only at the
// moment of the sample. A [Machine] puts both together.
//
//	queue    the server has not accepted the connection
//	waits    the client has sent something that the server has not read
//	served   the server has read what it has not answered
//	idle     the server has answered every question
//	gone     the connection has ended
package lanes

import (
	"bytes"
	"time"
)

// A State is what happens to a client.
type State string

// The states of a client.
const (
	Queue  State = "queue"
	Waits  State = "waits"
	Served State = "served"
	Idle   State = "idle"
	Gone   State = "gone"
)

// What else an event can report.
const (
	Connects  = "connects"
	Asks      = "asks"          // the client sends something
	Answers   = "answers"       // the server does
	HangsUp   = "hangs up"      // the client sends no more
	HungUpOn  = "is hung up on" // the server sends no more
	BreaksOff = "breaks off"    // the client resets the connection
	Refused   = "is refused"    // no server listens, or it has no room
	CutOff    = "is cut off"    // the server resets the connection
	Listens   = "listens"       // a server begins to listen at its port
	Closed    = "closed"        // no server listens there any more
	Omitted   = "omitted"       // Size events were left out, because there were too many; a state may follow itself
	Lost      = "lost"          // Size packets were lost before the machine got them, so lanes and words may be missing
)

// A Conn is a TCP connection, or the datagrams between two ports.
type Conn struct {
	Server, Client uint16 // ports; Client is 0 for the listening server itself
}

// An Event is a change in a lane, or something that was said. The states of one
// lane come in the order of their times, and so does everything that was said. But
// the machine may learn of a state only after it has reported something that was
// said later.
type Event struct {
	Conn
	At   time.Duration // since the session began
	UDP  bool
	Kind string // a State, or one of the words above
	Size int    // of what is said, in bytes
	Text string // its beginning

	// Doubt is how much earlier or later a state may have begun, because there was no
	// sample at that moment. It grows if the machine is too busy for samples.
	Doubt time.Duration
}

// A Packet is a TCP segment or a datagram that went over the network.
type Packet struct {
	At       time.Duration
	UDP      bool
	From, To uint16 // ports
	SYN, ACK bool
	FIN, RST bool
	Size     int    // of its payload, in bytes
	Text     []byte // the payload's beginning, at most TextLimit bytes; the machine does not keep it
}

// TextLimit is how much of a packet an event shows, in bytes.
const TextLimit = 80

// A Sample is what the kernel's table shows at one moment: the sockets of servers.
type Sample struct {
	At      time.Duration // the moment was no earlier than this,
	Took    time.Duration // and at most this much later
	Listens []uint16      // the ports of servers, each once
	Sockets []Socket      // the servers' ends of connections
}

// A Socket is the server's end of a connection.
type Socket struct {
	Conn
	Accepted bool // a process has it, or had it
	Unread   bool // bytes have arrived that no process has read
	Ended    bool // the server sends no more

	// Owes is whether the server has received something since it last sent
	// something. Only a machine without packets looks at it.
	Owes bool
}

const (
	maxLanes  = 64  // that are followed at once
	maxEvents = 200 // between two calls to Take, not counting states of lanes that an event has named

	// The server's answer ends when it has said nothing for this long.
	pause = 20 * time.Millisecond
)

// A Machine turns packets and samples into events. Its zero value is ready.
type Machine struct {
	// NoPackets says that Packet will not be called.
	NoPackets bool

	lanes   map[Conn]*lane
	known   map[Conn]bool // pairs of ports that have exchanged datagrams
	listens map[uint16]bool
	events  []Event

	omitted   int           // how many events were left out
	omittedAt time.Duration // the last of them
	lost      int           // packets
	lostAt    time.Duration // when we knew of the last of them
}

// A lane is what we know about a connection.
type lane struct {
	conn     Conn
	state    State // the last that was reported; "" if none
	at       time.Duration
	reported int  // of its last state in Machine.events, plus 1; 0 if it is not there
	spoke    int  // likewise of what was said last
	told     bool // an event has named it

	connected   time.Duration
	owes        bool          // the client has asked, and the server has not answered
	asked       time.Duration // when, if it owes
	decided     bool          // a sample has shown whether the question was read
	answered    time.Duration // the last answer, if the state is Served and it owes nothing
	question    []byte        // its beginning
	unread      time.Duration // the last sample that showed it in the queue or unread
	sampled     bool          // a sample has shown it
	looked      time.Duration // the last sample that did
	missing     bool          // the last one has not
	missed      time.Duration // since when, if it is missing
	clientEnded bool
	serverEnded bool
}

// Take returns the events since the last call.
func (m *Machine) Take() []Event {
	events := m.events
	if m.omitted > 0 {
		events = append(events, Event{At: m.omittedAt, Kind: Omitted, Size: m.omitted})
	}
	if m.lost > 0 {
		events = append(events, Event{At: m.lostAt, Kind: Lost, Size: m.lost})
	}
	m.events, m.omitted, m.lost = nil, 0, 0
	for _, l := range m.lanes {
		l.reported, l.spoke = 0, 0
	}
	return events
}

// Packet adds a packet. Add packets in the order of their times.
func (m *Machine) Packet(p Packet) {
	m.begin()
	if p.UDP {
		m.datagram(p)
		return
	}
	toServer, toClient := Conn{p.To, p.From}, Conn{p.From, p.To}
	if p.SYN && !p.ACK {
		m.connect(toServer, p)
		return
	}
	if l := m.lanes[toServer]; l != nil {
		m.fromClient(l, p)
	} else if l := m.lanes[toClient]; l != nil {
		m.fromServer(l, p)
	}
}

// Lose notes that packets were lost because they came too fast. The next samples end
// the lanes whose last packet was among them.
func (m *Machine) Lose(packets int, at time.Duration) {
	if packets > 0 {
		m.lost, m.lostAt = m.lost+packets, at
	}
}

// Busy reports whether a state may change without a packet: a client waits or is
// being served, or the next sample will tell.
func (m *Machine) Busy() bool {
	for _, l := range m.lanes {
		if l.state != Idle || l.owes {
			return true
		}
	}
	return len(m.events) > 0
}

// Follows reports whether a sample can say anything about a client.
func (m *Machine) Follows() bool { return m.NoPackets || len(m.lanes) > 0 }

func (m *Machine) begin() {
	if m.lanes == nil {
		m.lanes, m.known, m.listens = map[Conn]*lane{}, map[Conn]bool{}, map[uint16]bool{}
	}
}

// omit counts an event that is not reported.
func (m *Machine) omit(at time.Duration) {
	m.omitted++
	m.omittedAt = max(m.omittedAt, at)
}

// connect begins a lane.
func (m *Machine) connect(c Conn, p Packet) {
	if l := m.lanes[c]; l != nil {
		if !l.clientEnded && !l.serverEnded && l.state == "" {
			return // the packet is sent again
		}
		m.end(l, p.At) // the client uses its port again
	}
	if l := m.open(c, p.At); l != nil {
		m.say(l, p, Connects)
	}
}

// open returns a new lane, or nil if there are too many.
func (m *Machine) open(c Conn, at time.Duration) *lane {
	if len(m.lanes) >= maxLanes {
		m.omit(at)
		return nil
	}
	l := &lane{conn: c, at: at, connected: at}
	m.lanes[c] = l
	return l
}

func (m *Machine) fromClient(l *lane, p Packet) {
	switch {
	case p.RST:
		m.say(l, p, BreaksOff)
		m.end(l, p.At)
		return
	case p.Size > 0:
		m.say(l, p, Asks)
		if !l.owes && !l.serverEnded {
			m.settle(l)
			l.owes, l.asked, l.decided = true, p.At, false
			l.question = bytes.Clone(bytes.TrimSpace(p.Text)) // the caller reads the next packet into p.Text
		}
	}
	if p.FIN && !l.clientEnded {
		l.clientEnded = true
		m.say(l, p, HangsUp)
		m.endIfBothEnded(l, p.At)
	}
}

func (m *Machine) fromServer(l *lane, p Packet) {
	switch {
	case p.RST:
		if l.sampled || l.state != "" {
			m.say(l, p, CutOff)
		} else {
			m.say(l, p, Refused)
		}
		m.end(l, p.At)
		return
	case p.Size > 0:
		m.say(l, p, Answers)
		m.answer(l, p.At)
		// The server has read what this client said, even if it only passes it on to
		// others.
		for _, other := range m.lanes {
			if other != l && other.conn.Server == l.conn.Server && other.owes &&
				len(other.question) > 0 && bytes.Contains(p.Text, other.question) {
				m.answer(other, p.At)
			}
		}
	}
	if p.FIN && !l.serverEnded {
		l.serverEnded = true
		m.say(l, p, HungUpOn)
		if l.owes {
			m.answer(l, p.At)
		}
		m.settle(l)
		m.endIfBothEnded(l, p.At)
	}
}

// answer notes that the server has answered. It has then read the question, at the
// latest after the last sample that showed it unread.
func (m *Machine) answer(l *lane, at time.Duration) {
	if l.owes && l.state != Served {
		from := l.asked
		if l.state == Queue || l.state == Waits {
			from = l.unread
		}
		from = min(from, at)
		m.set(l, Served, from, at-from)
	}
	l.owes = false
	if l.state == Served {
		l.answered = at
	} else if l.state == Queue { // the server must have accepted it to answer
		m.set(l, Idle, at, at-l.unread)
	}
}

// settle ends a lane's Served state at its last answer, if the client has asked
// nothing since.
func (m *Machine) settle(l *lane) {
	if l.state == Served && !l.owes {
		m.set(l, Idle, l.answered, 0)
	}
}

func (m *Machine) endIfBothEnded(l *lane, at time.Duration) {
	if l.clientEnded && l.serverEnded {
		m.end(l, at)
	}
}

func (m *Machine) end(l *lane, at time.Duration) {
	m.settle(l)
	m.set(l, Gone, at, 0)
	delete(m.lanes, l.conn)
}

// datagram reports a datagram. The first one between two ports goes to the server.
func (m *Machine) datagram(p Packet) {
	c, kind := Conn{p.To, p.From}, Asks
	if m.known[Conn{p.From, p.To}] {
		c, kind = Conn{p.From, p.To}, Answers
	} else {
		if len(m.known) >= 16*maxLanes { // we must forget some
			clear(m.known)
		}
		m.known[c] = true
	}
	m.say(&lane{conn: c, at: p.At}, p, kind)
}

// Sample adds a sample. All packets that arrived before it must have been added.
func (m *Machine) Sample(s Sample) {
	m.begin()
	m.listeners(s)
	shown := map[Conn]bool{}
	for _, socket := range s.Sockets {
		l := m.lanes[socket.Conn]
		if l == nil {
			if !m.NoPackets {
				continue // its packets have shown that it ended, or there were too many lanes
			}
			if l = m.open(socket.Conn, s.At); l == nil {
				continue
			}
		}
		shown[socket.Conn] = true
		l.sampled = true
		m.look(l, socket, s)
	}
	for c, l := range m.lanes {
		if shown[c] {
			l.missing = false
		} else if l.sampled || s.At > l.connected+time.Second {
			m.miss(l, s.At)
		}
	}
}

// miss notes that a sample does not show a lane. The packets that ended the connection
// may not have been added yet. If the next sample does not show it either, it has
// ended.
func (m *Machine) miss(l *lane, at time.Duration) {
	if !l.missing {
		l.missing, l.missed = true, at
	}
	if at > l.missed || m.NoPackets {
		m.end(l, max(l.missed, l.at))
	}
}

// listeners reports which servers have come and gone.
func (m *Machine) listeners(s Sample) {
	listens := map[uint16]bool{}
	for _, port := range s.Listens {
		listens[port] = true
		if !m.listens[port] {
			m.events = append(m.events, Event{Conn: Conn{Server: port}, At: s.At, Kind: Listens})
		}
	}
	for port := range m.listens {
		if !listens[port] {
			m.events = append(m.events, Event{Conn: Conn{Server: port}, At: s.At, Kind: Closed})
		}
	}
	m.listens = listens
}

// look compares a lane with its socket.
func (m *Machine) look(l *lane, s Socket, by Sample) {
	at := by.At
	if m.NoPackets {
		if s.Owes && !s.Ended {
			if !l.owes {
				l.owes, l.asked, l.decided = true, at, true
			}
		} else if l.owes {
			m.answer(l, at)
		}
	}
	// What the sample shows began with the packet before it.
	since := at
	switch {
	case l.state == "":
		since = l.connected
	case l.owes && !l.decided:
		since = l.asked
	}
	if since > at {
		return // the sample is older than the packet
	}
	// What it shows may have begun when we looked last.
	earliest := l.connected
	if l.state != "" {
		earliest = max(earliest, l.looked)
	}
	if l.owes {
		earliest = max(earliest, l.asked)
	}
	l.looked = at
	doubt := func() time.Duration { return at + by.Took - min(earliest, at) }
	switch {
	case !s.Accepted && !s.Ended:
		l.unread = at
		m.set(l, Queue, since, 0)
	case l.owes && s.Ended:
		return // the answer and the end came meanwhile; their packets are added next
	case s.Unread && !l.serverEnded: // or the kernel still counts the client's end
		if !l.owes { // there was another question behind the one that was answered
			m.settle(l)
			l.owes, l.asked = true, at
		}
		l.unread = at
		m.set(l, Waits, max(since, l.asked), doubt())
	case l.owes:
		m.set(l, Served, max(since, l.asked), doubt())
	case l.state == Served:
		if at > l.answered+pause {
			m.settle(l)
		}
	default:
		m.set(l, Idle, since, doubt())
	}
	l.decided = true
}

// set reports a state, unless it is the lane's already.
func (m *Machine) set(l *lane, state State, at, doubt time.Duration) {
	if l.state == state {
		return
	}
	if len(m.events) >= maxEvents && !l.told {
		m.omit(at) // a later sample reports the state, if it still holds
		return
	}
	l.told = true
	l.state, l.at = state, max(l.at, at)
	event := Event{Conn: l.conn, At: l.at, Kind: string(state), Doubt: doubt}
	if len(m.events) >= maxEvents && l.reported > 0 && state != Gone {
		m.events[l.reported-1] = event // only the last one matters
		m.omit(at)
		return
	}
	m.events = append(m.events, event)
	l.reported = len(m.events)
}

// say reports something that was said. It adds to the lane's last report if nothing
// else was said in the lane meanwhile.
func (m *Machine) say(l *lane, p Packet, kind string) {
	if l.spoke > 0 && p.Size > 0 {
		if last := &m.events[l.spoke-1]; last.Kind == kind {
			last.Size += p.Size
			return
		}
	}
	if len(m.events) >= maxEvents {
		m.omit(p.At)
		return
	}
	text := ""
	if kind == Asks || kind == Answers {
		text = string(p.Text)
	}
	m.events = append(m.events, Event{Conn: l.conn, At: p.At, UDP: p.UDP, Kind: kind, Size: p.Size, Text: text})
	l.spoke, l.told = len(m.events), true
}
