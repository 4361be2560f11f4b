//go:build unix || windows

package tincanchat_test

import (
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fopnp/internal/check/chatroom"
	"fopnp/internal/check/conform"
	"fopnp/internal/check/natsd"
	"fopnp/internal/check/progtest"
	"fopnp/internal/listings"
	"fopnp/internal/py/pyfmt"
)

// chatServer returns the row of a chat server.
func chatServer(name string) conform.Server {
	return conform.Server{
		Name: name,
		Lines: conform.Lines{
			Listening: "Listening on ('HOST', PORT)",
			Accepted:  "Connection from ADDR",
			Closed:    "Client ADDR disconnected",
			Half:      name + ": client ADDR: received BYTES then socket closed",
			Error:     name + ": client ADDR: WHY",
			ClosedToo: true,
			Others:    []string{`\('[\d.:]+', \d+(?:, 0, 0)?\): .*`},
		},
	}
}

// besideNATS returns the row of a chat server each of whose processes has an
// account of its own at a NATS server, so none hears the clients of another.
func besideNATS(s conform.Server, nats *natsd.Server) conform.Server {
	s.Command = func(args ...string) *exec.Cmd {
		return exec.Command(filepath.Join(progtest.Bin(), s.Name), append(args, "-n", nats.NewURL())...)
	}
	return s
}

// chat is what goes over the wire: messages that end in a NUL byte.
var chat = chatroom.Protocol{
	End: 0,
	Heard: func(author netip.AddrPort, text string) string {
		return pyfmt.AddrPort(author) + ": " + text + "\x00"
	},
	Echo: true,
	Odd: []string{
		"two\nlines\r", " ", "\x1b[2J", "('127.0.0.1', 1): forged", "\ufffd",
		"\u202e", "\x7f", "\u0085", "\u009b2J",
		"Client ('127.0.0.1', 1) disconnected", "ü€\U0001f600",
	},
	Refused: []string{"\xff", "half \xc3", "\xed\xa0\x80"},
}

// The chat servers keep the whole contract. See package chatroom for the
// checks.
func TestChatServers(t *testing.T) {
	t.Parallel()
	for _, listing := range listings.On("lecture/tincanchat", listings.Server) {
		if strings.HasPrefix(listing.Name, "chat_server_") {
			t.Run(listing.Name, func(t *testing.T) {
				t.Parallel()
				server := chatServer(listing.Name)
				if listing.Beside != "" {
					server = besideNATS(server, progtest.StartNATS(t, natsd.Config{}))
				}
				chatroom.Run(t, server, chat)
			})
		}
	}
}
