//go:build unix

package chatroom

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	conformwrong "fopnp/internal/check/conform/wrong"
	"fopnp/internal/py/pyfmt"
)

// wrong is a chat server that is correct but for one defect, which a check must
// find. It has nothing in common with our chat servers.
type wrong struct {
	Protocol
	defect   string
	timeout  time.Duration
	listener *conformwrong.Listener
	stopping context.Context
	hurrying context.Context
	all      sync.WaitGroup

	mu        sync.Mutex // gives all that is said one order
	clients   map[*chatter]bool
	last      *chatter // the client that came last
	said      int      // messages and notices that the server has sent
	messages  int      // what clients have said
	forgotten []string // for the defect "never forgets"
}

// A chatter is a client of wrong.
type chatter struct {
	conn     *net.TCPConn
	addr     string
	more     *sync.Cond // with the server's mu
	queue    []string
	waits    int
	leaving  bool // it leaves when the queue is empty
	heard    bool // the server has heard all that it says, so its connection may close
	offline  bool
	reported bool
	ended    bool // its last line is printed
	timing   bool // for the defect "one time for all that waits"
	came     bool // for the defect "comes late"
}

// The bounds of wrong.
const wrongBound, wrongPiece = 1 << 20, 16 << 10

// serveWrong is the main function of the server. It returns its status.
func serveWrong(defect string, p Protocol, args []string) int {
	w := &wrong{Protocol: p, defect: defect, timeout: time.Minute, clients: map[*chatter]bool{}}
	host := args[0]
	for i := 1; i+1 < len(args); i += 2 {
		if args[i] == "-t" {
			w.timeout, _ = time.ParseDuration(args[i+1] + "s")
		}
	}
	if defect == "one interface" && host == "" {
		host = "127.0.0.1"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "wrong: listen:", err)
		return 1
	}
	w.listener = &conformwrong.Listener{Listener: listener, Defect: defect}
	w.stopping, w.hurrying = w.listener.StopOnSignal(500 * time.Millisecond)
	if defect == "spins" {
		// Spin in many threads, so it shows even on a busy machine.
		const threads = 16
		runtime.GOMAXPROCS(threads)
		for range threads {
			go func() {
				for w.stopping.Err() == nil {
				}
			}()
		}
	}
	fmt.Println("Listening at " + pyfmt.HostPort(args[0], w.listener.Addr().(*net.TCPAddr).Port))
	w.acceptForever()
	w.all.Wait()
	return 0
}

func (w *wrong) acceptForever() {
	for n := 0; ; n++ {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		if w.defect == "serves fifty" && n >= 50 {
			<-w.stopping.Done()
			return
		}
		c := &chatter{conn: conn.(*net.TCPConn), addr: pyfmt.Addr(conn.RemoteAddr()), more: sync.NewCond(&w.mu)}
		w.mu.Lock()
		if w.defect != "comes late" {
			fmt.Printf("Connection from %s\n", c.addr)
		}
		if w.defect == "comes twice" {
			fmt.Printf("Connection from %s\n", c.addr)
		}
		if w.Joined != nil {
			w.tell(c, w.Joined(addressOf(c)))
		}
		w.clients[c] = true
		w.last = c
		w.mu.Unlock()
		w.all.Go(func() { w.receive(c) })
		w.all.Go(func() { w.send(c) })
	}
}

// tell queues a message for all clients but one. The caller holds mu.
func (w *wrong) tell(except *chatter, message string) {
	if w.said++; w.defect == "loses now and then" && w.said%100 == 0 {
		return
	}
	if w.defect == "never forgets" {
		w.forgotten = append(w.forgotten, strings.Clone(message))
	}
	var stuck []*chatter
	for c := range w.clients {
		if c == except {
			continue
		}
		if w.defect == "stalls" || w.defect == "stalls a while" {
			if w.defect == "stalls a while" {
				c.conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			}
			if _, err := c.conn.Write([]byte(message)); err != nil {
				stuck = append(stuck, c)
			}
			continue
		}
		if w.defect == "waits a little with each" && c.waits > wrongPiece && len(message) < 1000 {
			<-time.After(500 * time.Millisecond) // for room, but not while the test fills its queue
		}
		c.queue = append(c.queue, message)
		if c.waits += len(message); c.waits > w.bound() || w.defect == "bound of 500 messages" && len(c.queue) > 500 {
			stuck = append(stuck, c)
		}
		c.more.Signal()
	}
	for _, c := range stuck {
		w.throwOut(c, "does not read")
	}
}

func (w *wrong) bound() int {
	switch w.defect {
	case "no bound":
		return 1 << 30
	case "bound of 64 KiB":
		return 64 << 10
	case "bound of 2 MiB":
		return 2 << 20
	}
	return wrongBound
}

// throwOut ends a client that does not take what waits for it.
func (w *wrong) throwOut(c *chatter, why string) {
	if !c.leaving {
		c.queue = nil
		w.dismiss(c, why)
		c.conn.SetWriteDeadline(time.Unix(1, 0))
	}
}

// dismiss reports a fault and makes c leave. The caller holds mu.
func (w *wrong) dismiss(c *chatter, why string) {
	if why != "" && w.defect == "last line first" {
		w.lastLine(c)
	}
	if why != "" && (!c.reported || w.defect == "reports twice") && w.defect != "faults are silent" {
		c.reported = true
		fmt.Fprintf(os.Stderr, "wrong: client %s: %s\n", c.addr, why)
	}
	c.leaving = true
	delete(w.clients, c)
	w.goOffline(c)
	c.more.Signal()
	c.conn.SetReadDeadline(time.Unix(1, 0))
}

func (w *wrong) goOffline(c *chatter) {
	if w.stopping.Err() == nil {
		w.lastLine(c)
	}
	if c.offline && w.defect != "leaves twice" || w.stopping.Err() != nil {
		return
	}
	c.offline = true
	if w.Left != nil && w.defect != "leaves are silent" {
		who := c
		if w.defect == "names the last" {
			who = w.last
		}
		w.tell(c, w.Left(addressOf(who)))
	}
}

// lastLine prints that a conversation ended, if the protocol wants that. The
// caller holds mu.
func (w *wrong) lastLine(c *chatter) {
	if !w.Echo || c.ended || c.reported && w.defect == "no last line" {
		return
	}
	c.ended = true
	fmt.Printf("Client %s disconnected\n", c.addr)
	if w.defect == "two last lines" {
		fmt.Printf("Client %s disconnected\n", c.addr)
	}
}

// receive receives what c says until it says no more.
func (w *wrong) receive(c *chatter) {
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		c.heard = true
		c.more.Signal()
	}()
	defer context.AfterFunc(w.stopping, func() { c.conn.SetReadDeadline(time.Unix(1, 0)) })()
	var received []byte
	buffer := make([]byte, 4096)
	if w.defect == "no most" {
		buffer = make([]byte, 1<<20)
	}
	timing := false
	for {
		limit := w.timeout
		switch {
		case w.defect == "0 is at once" && w.timeout == 0:
			limit = time.Millisecond
		case w.defect == "bytes renew the time":
			limit *= 10
		}
		start := len(received) > 0 || w.defect == "silence is a fault" || w.defect == "one time for all"
		if limit > 0 && start && !timing {
			c.conn.SetReadDeadline(time.Now().Add(limit))
			timing = true
		} else if !start && timing {
			c.conn.SetReadDeadline(time.Time{})
			timing = false
		}
		if w.stopping.Err() != nil {
			c.conn.SetReadDeadline(time.Unix(1, 0))
		}
		n, err := c.conn.Read(buffer)
		if w.defect == "hang-up loses messages" && n > 0 {
			c.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			if _, err := c.conn.Read(buffer[n:]); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				n = 0
			}
			timing = false
			c.conn.SetReadDeadline(time.Time{})
		}
		received = append(received, buffer[:n]...)
		w.mu.Lock()
		rest, why := w.say(c, received)
		if w.defect == "comes late" && !c.came {
			c.came = true
			fmt.Printf("Connection from %s\n", c.addr)
		}
		if w.defect != "one time for all" && (len(rest) < len(received) || w.defect == "bytes renew the time") {
			timing = false // for the next message
		}
		received = bytes.Clone(rest)
		if err != nil && why == "" {
			why = w.ending(received, err)
		}
		if err == io.EOF && why == "" && w.defect != "half-close is an end" {
			w.goOffline(c)
			w.mu.Unlock()
			return
		}
		if err != nil || why != "" {
			w.dismiss(c, why)
			if errors.Is(err, syscall.ECONNRESET) {
				c.queue = nil
			}
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}

// ending returns why a client that sends no more has committed a fault, or "".
func (w *wrong) ending(half []byte, err error) string {
	why := "connection reset by peer"
	switch {
	case err == io.EOF:
		why = "socket closed"
	case errors.Is(err, os.ErrDeadlineExceeded) && w.stopping.Err() != nil:
		why = "server stopped"
	case errors.Is(err, os.ErrDeadlineExceeded):
		why = "timed out"
	}
	switch {
	case len(half) > 0 && w.defect == "half is said":
		w.tell(nil, string(half)+string(w.End))
		return "said half"
	case len(half) > 0 && w.defect != "half not named":
		return fmt.Sprintf("received %s then %s", pyfmt.Bytes(half), why)
	case len(half) > 0 && why == "socket closed":
		return "half a message"
	case why == "socket closed", why == "server stopped",
		why == "connection reset by peer" && w.defect == "reset is an end":
		return ""
	}
	return why
}

// say tells the others the whole messages in received, and returns the rest, and
// why the client has to go. The caller holds mu.
func (w *wrong) say(c *chatter, received []byte) (rest []byte, why string) {
	most := longest
	switch w.defect {
	case "most is 4095":
		most--
	case "most is 8192":
		most = 8192
	case "no most":
		most = 1 << 40
	case "a segment is a message":
		if len(received) > 0 {
			w.hear(c, strings.TrimSuffix(string(received), string(w.End)))
		}
		return nil, ""
	}
	if w.defect == "too long loses messages" && len(received) > 4000 {
		received = received[bytes.LastIndexByte(received, w.End)+1:]
	}
	for {
		i := bytes.IndexByte(received, w.End)
		if i > most || i < 0 && len(received) > most {
			return nil, "too long"
		}
		if i < 0 {
			return received, ""
		}
		text := string(received[:i])
		received = received[i+1:]
		if len(w.Refused) > 0 && !utf8.ValidString(text) && w.defect != "refuses nothing" {
			why = "not UTF-8"
			if len(received) > 0 && w.defect != "what is behind not named" {
				why += ", before " + pyfmt.Bytes(received)
			}
			return nil, why
		}
		w.hear(c, text)
	}
}

// hear tells the others what c has said.
func (w *wrong) hear(c *chatter, text string) {
	if w.defect == "decodes" {
		text = strings.ToValidUTF8(text, "?")
	}
	if w.defect == "strips" {
		text = strings.TrimSpace(text)
	}
	if w.defect == "empty is nothing" && text == "" {
		return
	}
	except := c
	if w.Echo != (w.defect == "echo") {
		except = nil
	}
	message := w.Heard(addressOf(c), text)
	if w.Echo {
		printed := pyfmt.Bare([]byte(text))
		if w.defect == "escapes only ASCII" && strings.IndexFunc(text, unicode.IsControl) < 0 {
			printed = text
		}
		fmt.Printf("%s: %s\n", c.addr, printed)
	}
	if w.defect == "no order" {
		for to := range w.clients {
			if to != except {
				go func() { // so it may come after what is said later
					w.mu.Lock()
					defer w.mu.Unlock()
					to.queue = append(to.queue, message)
					to.waits += len(message)
					to.more.Signal()
				}()
			}
		}
		return
	}
	w.tell(except, message)
	if w.messages++; w.defect == "doubles" && w.messages%50 == 0 {
		w.tell(except, message)
	}
}

// send sends what waits for c, until there will be no more.
func (w *wrong) send(c *chatter) {
	defer context.AfterFunc(w.stopping, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		c.leaving = true
		delete(w.clients, c)
		if w.defect == "stop drops the queue" {
			c.queue = nil
		}
		c.more.Signal()
	})()
	defer context.AfterFunc(w.hurrying, func() { c.conn.SetWriteDeadline(time.Unix(1, 0)) })()
	for {
		w.mu.Lock()
		for len(c.queue) == 0 && !(c.leaving && c.heard) {
			c.more.Wait()
		}
		queue := c.queue
		c.queue = nil
		if w.defect == "counts only the queue" {
			c.waits = 0
		}
		w.mu.Unlock()
		if len(queue) == 0 {
			w.mu.Lock()
			w.lastLine(c)
			w.mu.Unlock()
			w.close(c)
			return
		}
		text := strings.Join(queue, "")
		piece := wrongPiece
		if w.defect == "a write for each" {
			piece = 20
		}
		for len(text) > 0 {
			if w.defect == "stop drops the queue" && w.stopping.Err() != nil {
				break
			}
			n, err := w.write(c, text[:min(piece, len(text))])
			text = text[n:]
			w.mu.Lock()
			if w.defect != "counts only the queue" {
				c.waits -= n
			}
			if err != nil {
				switch {
				case errors.Is(err, os.ErrDeadlineExceeded) && w.hurrying.Err() != nil && w.defect != "a stop is a time-out":
					c.leaving = false
					w.dismiss(c, fmt.Sprintf("server stopped before it took %d bytes", len(text)))
				case errors.Is(err, os.ErrDeadlineExceeded):
					w.dismiss(c, "timed out")
				}
				if w.defect == "leaves twice" {
					w.goOffline(c)
				}
				delete(w.clients, c)
				c.leaving, c.queue, text = true, nil, ""
			}
			w.mu.Unlock()
		}
	}
}

func (w *wrong) write(c *chatter, text string) (int, error) {
	w.mu.Lock()
	first := w.defect != "one time for all that waits" || !c.timing
	c.timing = c.waits > len(text)
	if w.timeout > 0 && w.hurrying.Err() == nil && w.defect != "waits for ever" && first {
		if !c.reported && (w.defect != "the clock never stops" || c.waits > len(text)) {
			c.conn.SetWriteDeadline(time.Now().Add(w.timeout))
		}
	}
	if w.defect == "0 is at once" && w.timeout == 0 {
		c.conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
	}
	w.mu.Unlock()
	if w.defect == "short writes" {
		c.conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
		c.conn.Write([]byte(text))
		return len(text), nil
	}
	return io.WriteString(c.conn, text)
}

// close closes c's connection, but not before c has what was sent.
func (w *wrong) close(c *chatter) {
	if w.defect != "left to the collector" || w.stopping.Err() != nil {
		defer c.conn.Close()
	}
	if w.defect == "closes with input unread" {
		return
	}
	c.conn.CloseWrite()
	patience := 500 * time.Millisecond
	if w.stopping.Err() != nil {
		patience = 100 * time.Millisecond
	}
	c.conn.SetReadDeadline(time.Now().Add(patience))
	io.Copy(io.Discard, io.LimitReader(c.conn, 1<<20))
}
