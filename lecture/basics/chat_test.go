package basics_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/chatroom"
	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// chatServer is the row of chat_server.
var chatServer = conform.Server{
	Name: "chat_server",
	Lines: conform.Lines{
		Listening: "Chat server started on port PORT",
		Accepted:  "Client PAIR connected",
		Half:      "chat_server: client ADDR: received BYTES then socket closed",
		Error:     "chat_server: client ADDR: WHY",
	},
}

// chat is what goes over the wire: lines.
var chat = chatroom.Protocol{
	End: '\n',
	Heard: func(author netip.AddrPort, text string) string {
		return fmt.Sprintf("\r[%s] %s\n", pyfmt.AddrPort(author), text)
	},
	Joined: func(client netip.AddrPort) string {
		return fmt.Sprintf("[%s:%d] entered our chatting room\n", client.Addr(), client.Port())
	},
	Left: func(client netip.AddrPort) string {
		return fmt.Sprintf("Client (%s, %d) is offline\n", client.Addr(), client.Port())
	},
	Odd: []string{
		"hello\r", " ", "\x00", "\xff\xfe", "\x1b[2J", "\r[('127.0.0.1', 1)] forged",
		"Client (127.0.0.1, 1) is offline", "hal\x00f\x00", "ü€\U0001f600",
	},
}

// The chat server keeps the whole contract. See package chatroom for the
// checks.
func TestChatServer(t *testing.T) {
	t.Parallel()
	chatroom.Run(t, chatServer, chat)
}

// Without a terminal, the client prints lines as they arrive, but escaped, and
// the prompt again after each.
func TestChatClientAtPipes(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cmd := exec.Command(filepath.Join(progtest.Bin(), "chat_client"), "127.0.0.1", progtest.PortOf(listener.Addr()))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	client, err := progtest.Launch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Kill()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	server.SetDeadline(time.Now().Add(progtest.Patience))
	printed := ""
	prints := func(more string) {
		t.Helper()
		printed += more
		want := func(output string) bool { return output == printed }
		if err := client.WaitUntil(fmt.Sprintf("%q", printed), want); err != nil {
			t.Fatal(err)
		}
	}
	prints("Connected to remote host. You can start sending messages\n[Me] ")
	io.WriteString(server, "[127.0.0.1:58500] entered our chatting room\n")
	prints("[127.0.0.1:58500] entered our chatting room\n[Me] ")
	io.WriteString(server, "\r[('127.0.0.1', 58500)] \x1b[2J\r\xff ü\r\n")
	prints("\r[('127.0.0.1', 58500)] \\x1b[2J\\r\\xff ü\n[Me] ")
	io.WriteString(stdin, "hello\n")
	prints("[Me] ")
	said := make([]byte, len("hello\n"))
	if _, err := io.ReadFull(server, said); err != nil || string(said) != "hello\n" {
		t.Errorf("the server received %q, %v", said, err)
	}
	io.WriteString(server, "half a line")
	server.Close()
	prints("half a line\n[Me] \nDisconnected from chat server\n")
	if err := client.Wait(); err != nil {
		t.Error(err)
	}
}

// A server that sends a line without end is not a chat server. The client gives
// up, because memory is finite.
func TestChatClientEndlessLine(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	cmd := exec.Command(filepath.Join(progtest.Bin(), "chat_client"), "127.0.0.1", progtest.PortOf(listener.Addr()))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	client, err := progtest.Launch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Kill()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	io.WriteString(server, strings.Repeat("x", 5000))
	var exit *exec.ExitError
	if err := client.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v, want status 1", err)
	}
	complaint := fmt.Sprintf("chat_client: chat at ('127.0.0.1', %s): received b'%s'... without b'\\n' in 4224 bytes\n",
		progtest.PortOf(listener.Addr()), strings.Repeat("x", 40))
	if !strings.HasSuffix(client.Output(), complaint) {
		t.Errorf("it printed %q, want %q in the end", client.Output(), complaint)
	}
}
