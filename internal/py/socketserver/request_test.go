package socketserver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/program"
)

// A told handler calls handle.
type told struct {
	StreamRequestHandler
	handle func(*told)
}

func (h *told) Handle() error { h.handle(h); return nil }

// handleOnce makes a server handle one client. The test says what the handler
// and the client do.
func handleOnce(t *testing.T, timeout time.Duration, handle func(*told), client func(net.Conn)) {
	s := &TCPServer{}
	if err := s.Bind(s, localhost, func() RequestHandler {
		return &told{StreamRequestHandler{Timeout: timeout}, handle}
	}); err != nil {
		t.Fatal(err)
	}
	defer s.ServerClose()
	conn := connect(t, s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		client(conn)
	}()
	if err := s.HandleRequest(); err != nil {
		t.Error(err)
	}
	<-done
}

// TestBasics is Python's SocketWriterTest.test_basics. WFile writes to the
// client's connection.
func TestBasics(t *testing.T) {
	handleOnce(t, 0, func(h *told) {
		if h.WFile != h.Request {
			t.Errorf("WFile is %v, the request %v", h.WFile, h.Request)
		}
		if _, ok := h.Server.(*TCPServer); !ok {
			t.Errorf("the handler's server is %T", h.Server)
		}
		fmt.Fprint(h.WFile, pyfmt.Addr(h.ClientAddress))
	}, func(conn net.Conn) {
		ended(t, conn, pyfmt.Addr(conn.LocalAddr()))
	})
}

// The handler's Timeout ends a conversation if the client does not send a
// message or receive one in that time. Sending byte after byte does not help.
// With every answer, the time starts again.
func TestStreamTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 20 * time.Millisecond
	isTimeout := func(what string, err error) {
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		handleOnce(t, timeout, func(h *told) {
			_, err := h.RFile.ReadByte()
			isTimeout("read", err)
		}, func(conn net.Conn) { ended(t, conn, "") })
	})
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		handleOnce(t, timeout, func(h *told) {
			_, err := h.RFile.ReadString('\n')
			isTimeout("read", err)
		}, func(conn net.Conn) {
			for err := error(nil); err == nil; { // until the server hangs up
				_, err = conn.Write([]byte("x"))
			}
		})
	})
	t.Run("does not receive", func(t *testing.T) {
		t.Parallel()
		done := make(chan bool)
		handleOnce(t, timeout, func(h *told) {
			defer close(done)
			for err := error(nil); err == nil; {
				if _, err = h.WFile.Write(make([]byte, 1<<20)); err != nil {
					isTimeout("write", err)
				}
			}
		}, func(net.Conn) { <-done })
	})
	t.Run("asks", func(t *testing.T) {
		t.Parallel()
		const timeout = 400 * time.Millisecond
		// On a busy machine, the client may be late. Then the test tries again.
		for giveUp := time.Now().Add(progtest.Patience); ; {
			var err error
			handleOnce(t, timeout, func(h *told) {
				for began := time.Now(); err == nil && time.Since(began) < 3*timeout; {
					var line string
					line, err = h.RFile.ReadString('\n')
					io.WriteString(h.WFile, line)
				}
			}, func(conn net.Conn) {
				tick := time.NewTicker(timeout / 20)
				defer tick.Stop()
				for err := error(nil); err == nil; <-tick.C {
					io.WriteString(conn, "one\n")
					_, err = io.ReadFull(conn, make([]byte, 4))
				}
			})
			if err == nil {
				return
			} else if time.Now().After(giveUp) {
				t.Fatal(err)
			}
		}
	})
}

// A handler need not know the kind of socket: the same one answers a client
// that has connected and a client that sends a datagram.
func TestSameHandler(t *testing.T) {
	for _, class := range []string{"TCPServer", "UDPServer"} {
		s, _ := start(t, class, "upper")
		client := connect(t, s)
		say(t, client, "MixedCaseString")
		hear(t, client, "MIXEDCASESTRING")
	}
}

// A packetHandler answers with the packet, and shows the test what it got.
type packetHandler struct {
	DatagramRequestHandler
	seen chan<- *packetHandler
}

func (h *packetHandler) Handle() error {
	if len(h.Packet) > 0 {
		h.WFile.WriteString("got ")
	}
	h.RFile.WriteTo(h.WFile)
	h.seen <- h
	return nil
}

// A datagram is a packet and a socket. It may be empty, and so may the answer.
// If it is too long, the server truncates it and reports that.
func TestDatagram(t *testing.T) {
	seen := make(chan *packetHandler, 1)
	s := &UDPServer{MaxPacketSize: 10}
	if err := s.Bind(s, localhost, func() RequestHandler { return &packetHandler{seen: seen} }); err != nil {
		t.Fatal(err)
	}
	defer s.ServerClose()
	client := connect(t, s)
	for _, test := range []struct{ packet, got, answer, said string }{
		{"", "", "", ""},
		{"0123456789", "0123456789", "got 0123456789", ""},
		{"0123456789a", "0123456789", "got 0123456789", program.Name() + ": datagram from " +
			pyfmt.Addr(client.LocalAddr()) + ": truncated to 10 bytes\n"},
	} {
		said := captured(t, func() {
			say(t, client, test.packet)
			if err := s.HandleRequest(); err != nil {
				t.Error(err)
			}
		})
		if said != test.said {
			t.Errorf("the server reported %q of %q, want %q", said, test.packet, test.said)
		}
		buffer := make([]byte, 100)
		if n, err := client.Read(buffer); string(buffer[:n]) != test.answer || err != nil {
			t.Errorf("sent %q, heard %q, %v, want %q", test.packet, buffer[:n], err, test.answer)
		}
		h := <-seen
		if string(h.Packet) != test.got || h.Socket != s.conn || h.ClientAddress.String() != client.LocalAddr().String() {
			t.Errorf("the handler got %q from %v at %v", h.Packet, h.ClientAddress, h.Socket)
		}
	}
}

// By default, a datagram may have up to 8192 bytes.
func TestMaxPacketSize(t *testing.T) {
	for size, says := range map[int]string{
		8192: `^$`,
		8193: `: truncated to 8192 bytes\n$`,
	} {
		said := captured(t, func() {
			s, stop := start(t, "UDPServer", "upper")
			defer stop()
			client := connect(t, s)
			say(t, client, strings.Repeat("x", size))
			hear(t, client, strings.Repeat("X", 100))
		})
		if !regexp.MustCompile(says).MatchString(said) {
			t.Errorf("the server reported %q of %d bytes, want %s", said, size, says)
		}
	}
}

// If a handler cannot send its answer, the server reports the request.
func TestDatagramNotSent(t *testing.T) {
	s, err := New[UDPServer, tooLong](localhost)
	if err != nil {
		t.Fatal(err)
	}
	defer s.ServerClose()
	client := connect(t, s)
	said := captured(t, func() {
		say(t, client, "?")
		s.HandleRequest()
	})
	want := program.Name() + ": request from " + pyfmt.Addr(client.LocalAddr()) + ": "
	if !strings.HasPrefix(said, want) || strings.Count(said, "\n") != 1 {
		t.Errorf("reported %q, want a line that begins with %q", said, want)
	}
}

type tooLong struct{ DatagramRequestHandler }

func (h *tooLong) Handle() error {
	_, err := h.WFile.Write(make([]byte, 1<<17))
	return err
}

// A flaky socket fails once to receive, and then receives.
type flaky struct {
	net.PacketConn
	failed bool
}

func (f *flaky) ReadFrom(p []byte) (int, net.Addr, error) {
	if !f.failed {
		f.failed = true
		return 0, nil, syscall.ECONNREFUSED
	}
	return f.PacketConn.ReadFrom(p)
}

// Receiving may fail for a reason that will pass, as accepting may. Then the
// server tries again.
func TestReceiveFails(t *testing.T) {
	s := create(t, "UDPServer", "upper").(*UDPServer)
	defer s.ServerClose()
	s.conn = &flaky{PacketConn: s.conn}
	client := connect(t, s)
	say(t, client, "x")
	said := captured(t, func() {
		if err := s.HandleRequest(); err != nil {
			t.Error(err)
		}
	})
	hear(t, client, "X")
	if want := fmt.Sprintf("%s: receive (will try again): %v\n", program.Name(), syscall.ECONNREFUSED); said != want {
		t.Errorf("reported %q, want %q", said, want)
	}
}

// A timedServer counts how often HandleRequest waited in vain.
type timedServer struct {
	TCPServer
	timeouts int
}

func (s *timedServer) HandleTimeout() { s.timeouts++ }

// Every call of HandleRequest waits for up to Timeout. ServeForever has no
// limit.
func TestHandleTimeout(t *testing.T) {
	s := &timedServer{}
	s.Timeout = time.Millisecond
	if err := s.Bind(s, localhost, handlers["echo"]); err != nil {
		t.Fatal(err)
	}
	defer s.ServerClose()
	for range 2 {
		if err := s.HandleRequest(); err != nil {
			t.Error(err)
		}
	}
	if s.timeouts != 2 {
		t.Errorf("%d timeouts, want 2", s.timeouts)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.ServeForever()
	}()
	<-time.After(5 * s.Timeout)
	client := connect(t, s)
	hear(t, client, "<")
	leave(t, client, ">")
	s.Shutdown()
	<-served
	s.Timeout = time.Hour
	client = connect(t, s)
	client.(*net.TCPConn).CloseWrite()
	if err := s.HandleRequest(); err != nil {
		t.Error(err)
	}
	ended(t, client, "<>")
	if s.timeouts != 2 {
		t.Errorf("%d timeouts, want still 2", s.timeouts)
	}
}

// A datagram server waits for Timeout, too.
func TestHandleTimeoutUDP(t *testing.T) {
	s := create(t, "UDPServer", "upper").(*UDPServer)
	defer s.ServerClose()
	s.Timeout = time.Millisecond
	if err := s.HandleRequest(); err != nil {
		t.Error(err)
	}
	s.Timeout = 0
	client := connect(t, s)
	say(t, client, "x")
	if err := s.HandleRequest(); err != nil {
		t.Error(err)
	}
	hear(t, client, "X")
}

// RFile holds at most 4096 bytes of a line.
func TestLongLine(t *testing.T) {
	t.Parallel()
	handleOnce(t, 0, func(h *told) {
		if line, err := h.RFile.ReadSlice('\n'); len(line) != 4096 || err != bufio.ErrBufferFull {
			t.Errorf("ReadSlice returned %d bytes, %v, want 4096, %v", len(line), err, bufio.ErrBufferFull)
		}
	}, func(conn net.Conn) {
		conn.Write(bytes.Repeat([]byte("x"), 4097))
		io.Copy(io.Discard, conn)
	})
}
