package lecture23_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// WebclientFile prints what a host sends, or says in one line why it does not.
func TestFileOfOneHost(t *testing.T) {
	t.Parallel()
	const file = "I like to go to movie theater from time to time.\n\nNatalia\n"
	mebibyte := strings.Repeat("0123456789abcde\n", 1<<16)
	for _, test := range []struct {
		name           string
		args           []string
		peer           func(*peer)
		printed, fault string
	}{
		{name: "file", peer: sends(page(file)), printed: file},
		{name: "no length", peer: sends(ok + "\r\n" + file), printed: file},
		{name: "no header", peer: sends(file), printed: file},
		{name: "byte by byte", peer: dribbles(page(file)), printed: file},
		{name: "byte by byte, no header", peer: dribbles(file), printed: file},
		{name: "open connection", peer: holds(page(file)), printed: file},
		{name: "no line end", peer: sends(page("Natalia")), printed: "Natalia\n"},
		{name: "line ends of Windows", peer: sends(page("a\r\nb\r\n")), printed: "a\nb\n"},
		{name: "empty", peer: sends(page("")), printed: ""},
		{name: "controls", peer: sends(page("a\x1b[2J\x00\rb\xff\n\u00e9")), printed: `a\x1b[2J\x00\rb\xff` + "\n\u00e9\n"},
		{name: "1 MiB", peer: sends(page(mebibyte)), printed: mebibyte},
		{name: "1 MiB, no header", peer: sends(mebibyte), printed: mebibyte},
		{name: "more than 1 MiB", peer: sends(page(mebibyte + "x")), fault: "the page has more than 1048576 bytes"},
		{name: "more than 1 MiB, no header", peer: sends(mebibyte + "x"), fault: "the page has more than 1048576 bytes"},
		{name: "without end", peer: endless("", "hello\n"), fault: "the page has more than 1048576 bytes"},
		{name: "header without end", peer: endless(ok, "X: y\r\n"), fault: "the header is longer than 65536 bytes"},
		{name: "nothing", peer: sends(""), fault: "socket closed"},
		{name: "half a header", peer: sends(ok), fault: `no header: received b'HTTP/1.0 200 OK\r\n' then socket closed`},
		{name: "cut short", peer: sends(ok + "Content-Length: 6\r\n\r\nhello"), fault: "received 5 of 6 bytes then socket closed"},
		{name: "reset", peer: resets("hello"), fault: "received 5 bytes then connection reset by peer"},
		{name: "404", peer: sends("HTTP/1.0 404 Not\x1bFound\r\n\r\nhello"), fault: `404 Not\x1bFound`},
		{name: "redirect", peer: sends("HTTP/1.0 302 Found\r\nLocation: /\x00\r\n\r\n"), fault: `302 Found (Location: '/\x00')`},
		{name: "chunks", peer: sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
			fault: "Transfer-Encoding 'chunked' in an answer to HTTP/1.0"},
		{name: "silence", args: short, peer: holds(""), fault: "timed out"},
		{name: "silence in the header", args: short, peer: holds(ok), fault: `no header: received b'HTTP/1.0 200 OK\r\n' then timed out`},
		{name: "silence in the file", args: short, peer: holds(ok + "Content-Length: 6\r\n\r\nhello"), fault: "received 5 of 6 bytes then timed out"},
		{name: "silence, no header", args: short, peer: holds("hello"), fault: "received 5 bytes then timed out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			listener, port := progtest.Listen(t)
			client := progtest.Perform(t, "", "webclientFile", append([]string{"127.0.0.1", "-p", port}, test.args...)...)
			conn, err := accept(listener, false)
			if want := "GET /myData.txt HTTP/1.0\r\nHost: 127.0.0.1:" + port + "\r\n\r\n"; err != nil || conn.request != want {
				t.Fatalf("the request is %q, want %q (%v)", conn.request, want, err)
			}
			test.peer(conn)
			conn.Close()
			if test.fault != "" {
				client.Prints(t, "", "webclientFile: 127.0.0.1: "+test.fault+"\n")
			} else {
				client.Prints(t, "127.0.0.1:\n"+test.printed, "")
			}
			if status := client.Cmd.ProcessState.ExitCode(); (status == 0) != (test.fault == "") || status > 1 {
				t.Errorf("the status is %d", status)
			}
		})
	}
}

// A byte now and then does not keep the client waiting, because its time limit
// is for the whole file.
func TestFileDribble(t *testing.T) {
	t.Parallel()
	listener, port := progtest.Listen(t)
	client := progtest.Perform(t, "", "webclientFile", "127.0.0.1", "-p", port, "-t", "200ms")
	conn, err := accept(listener, false)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	left := make(chan struct{})
	go func() {
		conn.hangsOn()
		close(left)
	}()
	sent := 0
	for tick := time.NewTicker(10 * time.Millisecond); ; sent++ {
		select {
		case <-left:
		case <-tick.C:
			if _, err := conn.Write([]byte("x")); err == nil {
				continue
			}
		}
		break
	}
	client.Cmd.Wait()
	if status := client.Cmd.ProcessState.ExitCode(); status != 1 {
		t.Errorf("the status is %d after %d bytes", status, sent)
	}
}

// All hosts are asked at once: none answers before all have been asked. They
// answer in the opposite order, and are printed in that of the arguments. Two
// are not there, or do not have the file. What goes to stdout and to stderr keeps
// the order, too.
func TestFilesOfManyHosts(t *testing.T) {
	t.Parallel()
	const hosts = 5
	var args []string
	var listeners []net.Listener
	for range hosts {
		listener, port := progtest.Listen(t)
		listeners, args = append(listeners, listener), append(args, "127.0.0.1:"+port)
	}
	gone, port := progtest.Listen(t)
	gone.Close()
	args = append(args, "127.0.0.1:"+port)
	client := progtest.Perform(t, "", "webclientFile", args...)
	var conns []*peer
	for i, listener := range listeners {
		conn, err := accept(listener, false)
		if err != nil {
			t.Fatalf("host %d: %v", i, err)
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	var stdout, stderr string
	for i := hosts - 1; i >= 0; i-- {
		text := page(fmt.Sprintf("I am host %d.\n", i))
		if i == 1 {
			text = "HTTP/1.0 404 Not Found\r\n\r\n"
		}
		if _, err := io.WriteString(conns[i], text); err != nil {
			t.Error(err)
		}
		conns[i].CloseWrite()
		if _, err := conns[i].Read(make([]byte, 1)); !errors.Is(err, io.EOF) { // the client has it
			t.Errorf("host %d: %v", i, err)
		}
	}
	for i := range hosts {
		if i == 1 {
			stderr += "webclientFile: " + args[i] + ": 404 Not Found\n"
			continue
		}
		stdout += fmt.Sprintf("%s:\nI am host %d.\n", args[i], i)
	}
	stderr += "webclientFile: " + args[hosts] + ": connection refused\n"
	client.Prints(t, stdout, stderr)
	if status := client.Cmd.ProcessState.ExitCode(); status != 1 {
		t.Errorf("the status is %d", status)
	}
}
