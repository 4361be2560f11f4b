package basics_test

import (
	"fmt"
	"net/netip"
	"testing"

	"fopnp/internal/check/chatclient"
	"fopnp/internal/check/chatroom"
	"fopnp/internal/check/conform"
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

// See package chatclient for the tests.
func TestChatClient(t *testing.T) {
	t.Parallel()
	chatclient.Run(t, chatclient.Client{
		Name: "chat_client",
		Args: func(port string) []string { return []string{"127.0.0.1", port} },
		Greeting: func(string) string {
			return "Connected to remote host. You can start sending messages\n"
		},
		Prompt: "[Me] ",
		End:    '\n',
		Comes: func(text string) (wire, shown string) {
			const author = "\r[('127.0.0.1', 58500)] "
			return author + text + "\n", author + pyfmt.Bare([]byte(text)) + "\n"
		},
		Gone:     "Disconnected from chat server\n",
		TookNone: "the server took no line in 500ms",
		TooLong: func(bytes int) string {
			return fmt.Sprintf("a line of %d bytes is too long (at most 4096)", bytes)
		},
	})
}
