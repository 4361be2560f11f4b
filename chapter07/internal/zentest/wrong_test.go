package zentest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	conformwrong "fopnp/internal/check/conform/wrong"
	"fopnp/internal/py/pyfmt"
)

// wrong is a server that is correct but for one defect, which a check must
// find. It is written independently of the servers of chapter 7, but prints the
// lines of srv_single.
type wrong struct {
	defect        string
	timeout, cost time.Duration
	listener      *conformwrong.Listener
	places        chan struct{} // one for each conversation at a time
	stopping      context.Context
	hurrying      context.Context
	conversations sync.WaitGroup
	mu            sync.Mutex // the turn of the defect "one at a time"
	forgotten     [][]byte   // for the defects of unforgotten
}

// unforgotten is how many bytes a server keeps of each conversation, by defect.
var unforgotten = map[string]int{"never forgets": 8 << 10, "never forgets a little": 600}

// serveWrong is the main function of the server. It returns the exit status.
func serveWrong(defect string, atOnce int, args []string) int {
	w := &wrong{defect: defect, timeout: 60 * time.Second}
	host, port, err := w.parse(args)
	switch {
	case errors.Is(err, errHelp):
		out := os.Stdout
		if defect == "help on stderr" {
			out = os.Stderr
		}
		fmt.Fprintln(out, "usage: wrong [-h] [-p port] [-t seconds] [-d duration] host")
		return 0
	case err != nil:
		if defect == "wrong call has status 1" {
			return 1
		}
		fmt.Fprintln(os.Stderr, "usage: wrong [-h] [-p port] [-t seconds] [-d duration] host\nwrong:", err)
		return 2
	}
	if defect == "wrong name resolved" && host == "nosuch.invalid" {
		host = "127.0.0.1"
	}
	shown := host
	if defect == "one interface" && host == "" {
		host = "127.0.0.1"
	}
	if defect == "any port" && port != "0" {
		port = "0"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		if defect == "stack trace" {
			panic(err)
		}
		fmt.Fprintf(os.Stderr, "wrong: listen: %v\n", err)
		return 1
	}
	w.listener = &conformwrong.Listener{Listener: listener, Defect: defect}
	stopOnSignal := func() { w.stopping, w.hurrying = w.listener.StopOnSignal(500 * time.Millisecond) }
	if defect != "ready too late" {
		stopOnSignal()
	}
	if defect == "shows the address" {
		shown = "127.0.0.1"
	}
	real := w.listener.Addr().(*net.TCPAddr).Port
	if defect == "plain address" {
		fmt.Println("Listening at", w.listener.Addr())
	} else if port == "0" || defect != "announces nothing" {
		fmt.Println("Listening at " + pyfmt.HostPort(shown, real))
	}
	if defect == "ready too late" {
		<-time.After(10 * time.Second) // the signal comes before that, however busy the machine is
		stopOnSignal()
	}
	w.places = make(chan struct{}, atOnce)
	w.acceptForever()
	w.conversations.Wait()
	return 0
}

var errHelp = errors.New("help")

func (w *wrong) parse(args []string) (host, port string, err error) {
	port = "1060"
	var hosts []string
	for i := 0; i < len(args); i++ {
		if args[i] == "-h" {
			return "", "", errHelp
		}
		if !strings.HasPrefix(args[i], "-") {
			hosts = append(hosts, args[i])
			continue
		}
		if w.defect == "options first" && len(hosts) > 0 {
			return "", "", errors.New("options must come first")
		}
		if w.defect == "options last" && len(hosts) == 0 {
			return "", "", errors.New("options must come last")
		}
		if i+1 == len(args) {
			return "", "", errors.New("option without value")
		}
		option, value := args[i], args[i+1]
		i++
		var seconds float64
		switch option {
		case "-p":
			port = value
			_, err = strconv.ParseUint(value, 10, 16)
		case "-t":
			seconds, err = strconv.ParseFloat(value, 64)
			w.timeout = time.Duration(seconds * float64(time.Second))
			if seconds < 0 {
				err = errors.New("negative")
			}
		case "-d":
			w.cost, err = time.ParseDuration(value)
		default:
			err = errors.New("unknown option")
		}
		if err != nil {
			return "", "", err
		}
	}
	if len(hosts) != 1 {
		return "", "", errors.New("one host, please")
	}
	return hosts[0], port, nil
}

func (w *wrong) acceptForever() {
	for served := 1; ; served++ {
		if cap(w.places) > 0 {
			w.places <- struct{}{}
		}
		conn, err := w.listener.Accept()
		if err != nil {
			if w.defect == "complains at a stop" {
				fmt.Fprintln(os.Stderr, "wrong: accept (will try again): bad file descriptor")
			}
			return
		}
		if w.defect == "serves ten" && served > 10 {
			continue
		}
		w.conversations.Go(func() {
			if w.defect == "one at a time" {
				w.mu.Lock()
				defer w.mu.Unlock()
			}
			w.converse(conn)
			if n := unforgotten[w.defect]; n > 0 {
				w.mu.Lock()
				w.forgotten = append(w.forgotten, bytes.Repeat([]byte{1}, n))
				w.mu.Unlock()
			}
			if cap(w.places) > 0 {
				<-w.places
			}
		})
	}
}

// converse has a whole conversation.
func (w *wrong) converse(conn net.Conn) {
	addr := pyfmt.Addr(conn.RemoteAddr())
	if w.defect == "lines mix" {
		fmt.Print("Accepted connection")
		<-time.After(time.Millisecond)
		fmt.Printf(" from %s\n", addr)
	} else {
		fmt.Printf("Accepted connection from %s\n", addr)
	}
	half, why := w.answer(conn.(*net.TCPConn))
	if w.defect != "left to the collector" {
		w.close(conn.(*net.TCPConn))
	}
	switch {
	case w.defect == "faults are silent" && len(half) > 0, w.defect == "ends are silent":
	case len(half) == 0 && why == "":
		fmt.Printf("Client socket to %s has closed\n", addr)
	case len(half) == 0 || w.defect == "half not named" && why != "":
		fmt.Printf("Client %s error: %s\n", addr, why)
	case why == "":
		fmt.Printf("Client %s error: received %s then socket closed\n", addr, pyfmt.Bytes(half))
	default:
		fmt.Printf("Client %s error: received %s then %s\n", addr, pyfmt.Bytes(half), why)
	}
	if w.defect == "fault in two lines" && why != "" {
		fmt.Printf("Client %s error: %s\n", addr, why)
	}
	if w.defect == "fault exits" && (why != "" || len(half) > 0) {
		os.Exit(3)
	}
}

// close closes a connection after the client has had time to receive what was
// sent.
func (w *wrong) close(conn *net.TCPConn) {
	defer conn.Close()
	if w.defect == "closes with input unread" {
		return
	}
	patience, most := 500*time.Millisecond, int64(1<<20)
	switch {
	case w.defect == "reads on for ever":
		patience, most = time.Hour, 1<<40
	case w.stopping.Err() != nil:
		patience = 100 * time.Millisecond
	}
	conn.CloseWrite()
	conn.SetReadDeadline(time.Now().Add(patience))
	io.Copy(io.Discard, io.LimitReader(conn, most))
}

// answer answers until the conversation is over, and returns the half of a
// question that is left, and why the conversation is over, unless the client
// has hung up or the server stops.
func (w *wrong) answer(conn *net.TCPConn) (half []byte, why string) {
	wake := func() { conn.SetReadDeadline(time.Unix(1, 0)) }
	defer context.AfterFunc(w.stopping, wake)()
	defer context.AfterFunc(w.hurrying, func() { conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)) })()
	var received []byte
	buffer := make([]byte, 4096)
	if w.defect == "no most" {
		buffer = make([]byte, 1<<20) // takes in an endless request faster
	}
	renew := true
	for {
		if w.timeout > 0 && renew || w.defect == "bytes renew the time" || w.defect == "0 is at once" {
			conn.SetDeadline(time.Now().Add(w.time()))
			if w.stopping.Err() != nil {
				wake()
			}
		}
		n, err := conn.Read(buffer)
		if w.defect == "segments are questions" && n > 0 {
			received = nil
		}
		received = append(received, buffer[:n]...)
		var answers []byte
		answers, received, why = w.answers(received)
		renew = len(answers) > 0 && w.defect != "one time for all"
		if w.defect == "half-close loses" {
			conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if n, err := conn.Read(buffer[:1]); n == 0 && err == io.EOF {
				return nil, ""
			}
		}
		if w.defect == "too long loses answers" && len(received) > 3000 {
			answers = nil
		}
		if w.timeout > 0 && len(answers) > 0 && w.hurrying.Err() == nil && w.defect != "counts its own time" {
			conn.SetWriteDeadline(time.Now().Add(w.time()))
		}
		if why := w.send(conn, answers); why != "" {
			if w.defect == "half of the unanswered not named" {
				received = nil
			}
			return received, why
		}
		switch {
		case why != "":
			return nil, why
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded) && w.stopping.Err() != nil:
			if len(received) > 0 {
				return received, "server stopped"
			}
			return nil, ""
		case errors.Is(err, os.ErrDeadlineExceeded) && w.defect == "silence is an end":
			return nil, ""
		case errors.Is(err, os.ErrDeadlineExceeded):
			return received, "timed out"
		case errors.Is(err, syscall.ECONNRESET) && w.defect == "reset is an end":
			return nil, ""
		case errors.Is(err, syscall.ECONNRESET):
			return received, "connection reset by peer"
		default:
			return received, ""
		}
	}
}

// time returns how much time a client has for a question.
func (w *wrong) time() time.Duration {
	if w.defect == "a tenth of the time" {
		return w.timeout / 10
	}
	if w.defect == "bytes renew the time" {
		return w.timeout * 10 // more than enough for the next byte
	}
	return w.timeout
}

// answers answers the complete questions in received, and returns the rest of
// it.
func (w *wrong) answers(received []byte) (answers, rest []byte, why string) {
	for {
		blanks := "\r\n \t"
		if w.defect == "blanks count" {
			blanks = ""
		}
		if w.defect != "many blanks count" || len(received) < 1000 {
			received = bytes.TrimLeft(received, blanks)
		}
		i := bytes.IndexByte(received, '?')
		most := 4096
		if w.defect == "most is 4095" {
			most--
		}
		if w.defect == "most is 8192" {
			most = 8192
		}
		if w.defect == "no most" {
			most = 1 << 40
		}
		if i > most && w.defect != "most is for halves" || i < 0 && len(received) > most {
			return answers, nil, "question too long"
		}
		if i < 0 {
			return answers, bytes.Clone(received), ""
		}
		answers = append(answers, w.reply(string(received[:i+1]))...)
		received = received[i+1:]
		if w.defect == "one question a segment" {
			return answers, nil, ""
		}
		if w.defect == "rest is lost" && bytes.IndexByte(received, '?') < 0 {
			received = nil
		}
	}
}

// reply returns the answer to one question.
func (w *wrong) reply(question string) string {
	if w.cost > 0 {
		select {
		case <-time.After(w.cost):
		case <-w.hurrying.Done():
		}
	}
	switch question {
	case "Beautiful is better than?":
		return "Ugly."
	case "Explicit is better than?":
		return "Implicit."
	case "Simple is better than?":
		return "Complex."
	}
	if w.defect == "unknown is silent" {
		return ""
	}
	return "Error: unknown aphorism."
}

// send sends all answers, or returns why it could not.
func (w *wrong) send(conn *net.TCPConn, answers []byte) (why string) {
	if len(answers) == 0 {
		return ""
	}
	if w.defect == "stop loses answers" && w.stopping.Err() != nil {
		return ""
	}
	if w.defect == "short writes" {
		conn.SetWriteBuffer(4096)
		conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
		conn.Write(answers)
		return ""
	}
	if w.defect == "many writes" {
		for _, b := range answers {
			conn.Write([]byte{b})
		}
		return ""
	}
	if w.defect == "sends for ever" {
		conn.SetWriteDeadline(time.Time{})
	}
	n, err := conn.Write(answers)
	switch {
	case err == nil:
		return ""
	case w.defect == "unsent not named":
		return "timed out"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timed out before we sent " + pyfmt.Bytes(answers[n:])
	default:
		return "connection reset by peer before we sent " + pyfmt.Bytes(answers[n:])
	}
}
