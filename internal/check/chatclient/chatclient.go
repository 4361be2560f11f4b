// Package chatclient is the test suite of chat clients. A chat client prints
// messages as they arrive, while the user types. At a terminal, they appear
// above the line that is being typed, and that line stays as it is.
//
// The tests play the server. The suite of a client states how the client is
// started, what it prints, and what goes over the wire (Client). The tests at a
// terminal need Linux.
package chatclient

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// A Client is a chat client, and how it differs from others.
type Client struct {
	Name string                     // of the program
	Args func(port string) []string // for a server at 127.0.0.1

	// Greeting returns what the client prints when it is connected.
	Greeting func(port string) string
	Prompt   string // stands before what the user types

	End byte // the end mark of a message

	// Comes returns what the server sends when another client has said text,
	// and the lines that the client then prints.
	Comes func(text string) (wire, shown string)

	// Gone is the line that the client prints when the server is gone, and
	// Left the one when the user has left. An empty line is not printed.
	Gone, Left string

	// Leave are the keys, besides Ctrl-D, with which the user leaves.
	Leave string

	// TooLong returns why the client does not send so many bytes. Refused maps
	// other lines that it does not send to the reasons.
	TooLong func(bytes int) string
	Refused map[string]string

	// TookNone is the client's error if it runs with -t 0.5 and the server
	// takes nothing for that long.
	TookNone string
}

// Run tests a client. Each test is a subtest of t.
func Run(t *testing.T, c Client) {
	tests := map[string]func(*testing.T, Client){
		"pipes":           atPipes,
		"refused":         refused,
		"endless message": endlessMessage,
	}
	maps.Copy(tests, terminalTests)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

// A pair is a client whose input and output are pipes, with the test as its
// server.
type pair struct {
	t       *testing.T
	client  *progtest.Server
	stdin   io.Writer
	server  net.Conn
	port    string // the server's
	printed string // so far
}

func (c Client) atPipes(t *testing.T) *pair {
	t.Helper()
	listener, port := progtest.Listen(t)
	p := &pair{t: t, port: port}
	cmd := exec.Command(filepath.Join(progtest.Bin(), c.Name), c.Args(p.port)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	if p.client, err = progtest.Launch(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		p.client.Kill()
	})
	p.server = progtest.Accept(t, listener)
	p.prints(c.Greeting(p.port) + c.Prompt)
	return p
}

// prints waits until the client prints more.
func (p *pair) prints(more string) {
	p.t.Helper()
	p.printed += more
	want := func(output string) bool { return output == p.printed }
	if err := p.client.WaitUntil(fmt.Sprintf("%q", p.printed), want); err != nil {
		p.t.Fatal(err)
	}
}

// Without a terminal, the client prints each message when it arrives, escaped,
// and then the prompt again.
func atPipes(t *testing.T, c Client) {
	p := c.atPipes(t)
	for _, text := range []string{"hello", "hello\r", "\x1b[2J\r\xff ü", ""} {
		wire, shown := c.Comes(text)
		io.WriteString(p.server, wire[:len(wire)/2])
		io.WriteString(p.server, wire[len(wire)/2:])
		p.prints(shown + c.Prompt)
	}
	io.WriteString(p.stdin, "hello\n\nend\n")
	p.prints(strings.Repeat(c.Prompt, 3))
	progtest.Hears(t, p.server, strings.NewReplacer("\n", string(c.End)).Replace("hello\n\nend\n"))
	one, shownOne := c.Comes("one")
	two, shownTwo := c.Comes("two")
	io.WriteString(p.server, one+two+"half a message")
	p.server.Close()
	end := ""
	if c.Prompt != "" {
		end = "\n"
	}
	p.prints(shownOne + c.Prompt + shownTwo + c.Prompt + "half a message\n" + c.Prompt + end + c.Gone)
	if err := p.client.Wait(); err != nil {
		t.Error(err)
	}
}

// The client does not send a line that is not a valid message. It says so in
// one line, and the user may type another.
func refused(t *testing.T, c Client) {
	p := c.atPipes(t)
	long := strings.Repeat("x", 4097)
	lines := map[string]string{long: c.TooLong(len(long))}
	maps.Copy(lines, c.Refused)
	for line, why := range lines {
		io.WriteString(p.stdin, line+"\n")
		p.prints(c.Name + ": send: " + why + "\n" + c.Prompt)
	}
	io.WriteString(p.stdin, "hello\n")
	progtest.Hears(t, p.server, "hello"+string(c.End))
}

// A server that sends a message without end is no chat server, and memory is
// finite.
func endlessMessage(t *testing.T, c Client) {
	p := c.atPipes(t)
	io.WriteString(p.server, strings.Repeat("x", 5000))
	var exit *exec.ExitError
	if err := p.client.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v, want status 1", err)
	}
	complaint := fmt.Sprintf("%s: chat at ('127.0.0.1', %s): received %s... without %s in 4224 bytes\n",
		c.Name, p.port, pyfmt.Bytes(bytes.Repeat([]byte("x"), 40)), pyfmt.Bytes([]byte{c.End}))
	if !strings.HasSuffix(p.client.Output(), complaint) {
		t.Errorf("it printed %q, want %q at the end", p.client.Output(), complaint)
	}
}
