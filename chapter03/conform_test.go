package chapter03

import (
	"os/exec"
	"path/filepath"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

// server completes the row of a program that is a server when its first
// argument is "server".
func server(s conform.Server) conform.Server {
	s.AtOnce = 1
	s.Error = s.Name + ": client ADDR: WHY"
	s.Command = func(args ...string) *exec.Cmd {
		program := filepath.Join(progtest.Bin(), s.Name)
		return exec.Command(program, append([]string{"server"}, args...)...)
	}
	return s
}

var servers = []conform.Server{
	server(conform.Server{
		Name: "tcp_sixteen",
		Lines: conform.Lines{
			Accepted: "We have accepted a connection from ADDR",
			Others: []string{
				`Waiting to accept a new connection`,
				`  Socket (?:name|peer): \('127\.0\.0\.1', \d+\)`,
				`  Incoming sixteen-octet message: b'Hi there, server'`,
				`  Reply sent, socket closed`,
			},
		},
		Protocol: conform.Protocol{
			Exchange: conform.Exchange{
				Ask:  "Hi there, server",
				Hear: conform.Answer("Farewell, client"),
			},
			Unfinished: "Hi there",
			Once:       true,
		},
	}),
	server(conform.Server{
		Name: "tcp_deadlock",
		Lines: conform.Lines{
			Accepted: "Processing up to 1024 bytes at a time from ADDR",
			Others:   []string{`(?:\r  \d+ bytes processed so far ?)+`, `  Socket closed`},
		},
		Protocol: conform.Protocol{
			Exchange: conform.Exchange{
				Ask:  "capitalize this!",
				Hear: conform.Answer("CAPITALIZE THIS!"),
			},
			Unfinished: "capitalize",
		},
		NotFor: map[string]string{
			"unread input":     "no message is too long for it",
			"reset/unanswered": "it answers every byte, and counts those that it could not send",
		},
	}),
}

// A TCP server closes a connection without a reset, even if it has not read all
// input.
func TestUnread(t *testing.T) {
	t.Parallel()
	for _, server := range servers {
		t.Run(server.Name, func(t *testing.T) {
			t.Parallel()
			conform.Run(t, server, conform.Unread)
		})
	}
}
