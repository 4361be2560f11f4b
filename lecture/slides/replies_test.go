package slides_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/serve/framing"
)

// Here the test is the peer of a listing, and does what none of our programs
// would do. The scripts test the rest.

// udpSocket opens a socket on loopback, which is closed when the test ends.
func udpSocket(t *testing.T) *net.UDPConn {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	return conn
}

// A UDP client prints the datagram that comes from its server, whatever is in
// it, and none that comes from a stranger.
func TestUDPReplies(t *testing.T) {
	for name, test := range map[string]struct{ reply, printed, complaint string }{
		"plain":    {"MIXEDCASESTRING", "MIXEDCASESTRING", ""},
		"empty":    {"", "", ""},
		"controls": {"two\nlines\x1b[2J", `two\nlines\x1b[2J`, ""},
		"long": {strings.Repeat("X", 2000), strings.Repeat("X", 1024),
			"udpcli1: datagram from ('127.0.0.1', SERVER): truncated to 1024 of 2000 bytes\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, stranger := udpSocket(t), udpSocket(t)
			client := progtest.Perform(t, "", "udpcli1", "-p", progtest.PortOf(server.LocalAddr()), "-t", "0")
			request := make([]byte, 1024)
			n, address, err := server.ReadFrom(request)
			if err != nil || string(request[:n]) != "MixedCaseString" {
				t.Fatalf("the client sends %q, %v", request[:n], err)
			}
			if _, err := stranger.WriteTo([]byte("FORGED"), address); err != nil {
				t.Fatal(err)
			}
			if _, err := server.WriteTo([]byte(test.reply), address); err != nil {
				t.Fatal(err)
			}
			ports := strings.NewReplacer("SERVER", progtest.PortOf(server.LocalAddr()), "CLIENT", progtest.PortOf(address))
			client.Prints(t, ports.Replace("using ('127.0.0.1', CLIENT)\n"+
				"received "+test.printed+" from ('127.0.0.1', SERVER)\n"), ports.Replace(test.complaint))
		})
	}
}

// A TCP client receives what its server sends in any number of segments. If the
// server hangs up too soon, the client says what it has received. In each test,
// the server receives what the client asks, if anything. It sends first, waits
// until the client has read that, sends second, and hangs up.
func TestTCPReplies(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows what a client has read")
	}
	long := strings.Repeat("X", framing.MaxMessage+30) // the longest line and the time before it
	for name, test := range map[string]struct{ program, asks, first, second, stdout, complaint string }{
		"time":         {"timecli", "", "Sat Apr  6 ", "12:00:00 2013", "The time is Sat Apr  6 12:00:00 2013\n", ""},
		"odd time":     {"timecli", "", "", "late\r\n\x1b[2J", "The time is late\\r\\n\\x1b[2J\n", ""},
		"line":         {"tcpcli1", "hello\r\n", "HEL", "LO\r\n", "Send: HELLO\nSend: \n", ""},
		"another line": {"tcpcli1", "hello\r\n", "", "\x1b[2J\xff\n", "Send: \\x1b[2J\\xff\nSend: \n", ""},
		"half a line":  {"tcpcli1", "hello\r\n", "", "HELLO", "Send: ", "no answer from ADDR: received b'HELLO' then socket closed"},
		"no line":      {"tcpcli1", "hello\r\n", "", "", "Send: ", "no answer from ADDR: socket closed"},
		"stamp":        {"tsTclntSS", "hello\r\n", "[Sat Apr  6 ", "12:00:00 2013] hello\r\n", "> [Sat Apr  6 12:00:00 2013] hello\n> \n", ""},
		"half a stamp": {"tsTclntSS", "hello\r\n", "", "[Sat", "> ", "no answer from ADDR: received b'[Sat' then socket closed"},
		"no stamp":     {"tsTclntSS", "hello\r\n", "", "", "> ", "no answer from ADDR: socket closed"},
		"long stamp":   {"tsTclntSS", "hello\r\n", "", long + "\r\n", "> " + long + "\n> \n", ""},
		"endless stamp": {"tsTclntSS", "hello\r\n", "", long + long, "> ",
			"no answer from ADDR: received b'" + long[:40] + "'... without b'\\n' in 8192 bytes"},
		"endless line": {"tcpcli1", "hello\r\n", "", long, "Send: ",
			"no answer from ADDR: received b'" + long[:40] + "'... without b'\\n' in 4096 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			client := progtest.Perform(t, test.asks, test.program, "127.0.0.1", "-p", progtest.PortOf(listener.Addr()), "-t", "0")
			conn, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(progtest.Patience))
			asked := make([]byte, len(test.asks))
			if _, err := io.ReadFull(conn, asked); err != nil || string(asked) != test.asks {
				t.Fatalf("the client sends %q, %v", asked, err)
			}
			if test.first != "" {
				_, err = io.WriteString(conn, test.first)
				err = errors.Join(err, progtest.Taken(conn))
			}
			if _, errSecond := io.WriteString(conn, test.second); err != nil || errSecond != nil {
				t.Fatal(err, errSecond)
			}
			conn.Close()
			complaint := strings.ReplaceAll(test.complaint, "ADDR", "('127.0.0.1', "+progtest.PortOf(listener.Addr())+")")
			if complaint != "" {
				complaint = test.program + ": " + complaint + "\n"
			}
			client.Prints(t, test.stdout, complaint)
		})
	}
}

// A byte now and then does not keep a conversation open, because the time limit
// covers the whole line.
func TestDribble(t *testing.T) {
	t.Parallel()
	server := progtest.MustStart(t, "tcpserv1", "-p", "0", "-t", "0.2")
	conn, err := net.Dial("tcp", "127.0.0.1:"+server.Port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for err == nil {
		<-tick.C
		_, err = conn.Write([]byte("x"))
	}
	if os.IsTimeout(err) {
		t.Error("the conversation is still open")
	}
	if _, err := server.WaitFor(regexp.MustCompile("timed out\n")); err != nil {
		t.Error(err)
	}
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// A forking server handles forty conversations at a time. The forty-first
// client waits until another client has left.
func TestFortyChildren(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no fork")
	}
	if progtest.Race {
		t.Skip("forty processes with the race detector take too long to start")
	}
	t.Parallel()
	server := progtest.MustStart(t, "SockServTCPFork", "-p", "0")
	var clients []net.Conn
	for range 41 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+server.Port)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(progtest.Patience))
		clients = append(clients, conn)
	}
	ask := func(conn net.Conn) error {
		if _, err := io.WriteString(conn, "hello\r\n"); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, make([]byte, len("HELLO\r\n")))
		return err
	}
	heard := make(chan error, len(clients))
	for _, conn := range clients {
		go func() { heard <- ask(conn) }()
	}
	connected := func(want int) {
		t.Helper()
		got := 0
		err := server.WaitUntil(fmt.Sprintf("%d connections", want), func(output string) bool {
			got = strings.Count(output, "Connected: ")
			return got >= want
		})
		if err != nil || got > want {
			t.Errorf("%d are connected, want %d (%v)", got, want, err)
		}
	}

	for range 40 {
		if err := <-heard; err != nil {
			t.Fatal(err)
		}
	}
	for range 1000 { // enough time for the last one to get an answer
		if err := ask(clients[1]); err != nil {
			t.Fatal(err)
		}
	}
	connected(40)
	clients[0].Close()
	if err := <-heard; err != nil {
		t.Error(err)
	}
	connected(41)
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// The bucket gets 100,000 datagrams as fast as we can send them. Some may be
// lost, because that is UDP. The bucket prints, logs and counts all others,
// once and in order.
func TestCreosoteFlood(t *testing.T) {
	t.Parallel()
	n := 100_000
	if progtest.Race {
		n = 2_000 // the race detector slows the bucket down
	}
	log := filepath.Join(t.TempDir(), "log")
	bucket := progtest.MustStart(t, "creosote", "-H", "127.0.0.1", "-p", "0", "-l", log)
	conn, err := net.Dial("udp", "127.0.0.1:"+bucket.Port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Each processor has its own queue for what it sends, so datagrams from
	// several processors may change their order.
	if err := progtest.StayOnOneProcessor(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := fmt.Fprint(conn, i); err != nil {
			t.Fatal(err)
		}
	}
	// The last datagram may be lost like any other, so send it until it
	// arrives.
	arrived := make(chan error)
	go func() {
		last := fmt.Sprintf("\n%d\n", n)
		arrived <- bucket.WaitUntil("the last datagram", func(output string) bool { return strings.HasSuffix(output, last) })
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		fmt.Fprint(conn, n)
		select {
		case <-tick.C:
		case err := <-arrived:
			if err != nil {
				t.Fatal(err)
			}
			waiting = false
		}
	}
	if err := bucket.Stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	first := fmt.Sprintf("waiting on port: %s\n", bucket.Port)
	printed, received, _ := strings.Cut(strings.TrimPrefix(bucket.Output(), first), "creosote: ")
	logged, err := os.ReadFile(log)
	if err != nil || string(logged) != printed {
		t.Errorf("%d bytes logged, %d printed (%v)", len(logged), len(printed), err)
	}
	next, lines := 0, 0
	for line := range strings.Lines(printed) {
		var i int
		if _, err := fmt.Sscanln(line, &i); err != nil || i < next {
			t.Fatalf("%q is printed, but %d should be next", line, next)
		}
		next, lines = min(i+1, n), lines+1
	}
	if want := fmt.Sprintf("datagrams received: %d\n", lines); received != want {
		t.Errorf("at the end it says %q, want %q", received, want)
	}
	t.Logf("%d of %d datagrams received", lines, n)
}
