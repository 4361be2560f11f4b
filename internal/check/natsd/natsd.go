// Package natsd starts NATS servers with JetStream, for tests of programs that
// need one. The server is the real one, nats-server, which must be on PATH. It
// listens on loopback, at ports that the system chose.
package natsd

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"strings"
	"sync/atomic"

	"fopnp/internal/serve/child"
)

// Program is the name of the server's program. This command installs it:
//
//	go install github.com/nats-io/nats-server/v2@v2.15.2
const Program = "nats-server"

// A Server is a NATS server that was started.
type Server struct {
	*child.Process
	Port     string // where clients connect
	Name     string // in its cluster
	accounts atomic.Int64
}

// A Config says what a server begins with. Its zero value is a server on its
// own.
type Config struct {
	Dir  string // an empty folder, for its configuration and its data
	Port string // for clients, or "" for any free one

	// Thread is as in child.Starter.
	Thread func() error

	// Name and Routes are for a server of a cluster: its own name, and the
	// ports where all servers of the cluster hear each other, its own first.
	Name   string
	Routes []string
}

// most is how many accounts a server has. They are only for servers on their
// own.
const most = 500

// Start starts a server and waits until clients can connect. The error wraps
// exec.ErrNotFound if there is no such program.
func Start(c Config) (*Server, error) {
	program, err := exec.LookPath(Program)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(c.Dir, "nats.conf")
	if err := os.WriteFile(file, []byte(c.text()), 0o666); err != nil {
		return nil, err
	}
	process, err := child.Starter{Thread: c.Thread}.Start(exec.Command(program, "-c", file))
	if err != nil {
		return nil, err
	}
	port, err := process.Ready()
	if err != nil {
		process.Kill()
		return nil, err
	}
	return &Server{Process: process, Port: port, Name: c.Name}, nil
}

// text returns the configuration file of a server.
func (c Config) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "host: 127.0.0.1\nport: %s\n", cmp.Or(c.Port, "-1"))
	fmt.Fprintf(&text, "jetstream { store_dir: %q }\n", filepath.Join(c.Dir, "data"))
	if c.Routes != nil {
		fmt.Fprintf(&text, "server_name: %s\n", c.Name)
		fmt.Fprintf(&text, "cluster { name: test, host: 127.0.0.1, port: %s, routes: [\n", c.Routes[0])
		for _, port := range c.Routes {
			fmt.Fprintf(&text, "\tnats://127.0.0.1:%s\n", port)
		}
		text.WriteString("] }\n")
		return text.String()
	}
	text.WriteString("accounts {\n")
	for n := range most {
		fmt.Fprintf(&text, "\ta%d { jetstream: enabled, users: [{ user: a%d, password: a }] }\n", n, n)
	}
	text.WriteString("}\n")
	return text.String()
}

// URL returns the URL of a server of a cluster.
func (s *Server) URL() string { return "nats://127.0.0.1:" + s.Port }

// NewURL returns a URL with an account of its own, whose streams no other
// account sees. It is for servers that are no part of a cluster. It panics after
// 500 accounts.
func (s *Server) NewURL() string {
	n := s.accounts.Add(1) - 1
	if n >= most {
		panic("natsd: no accounts left")
	}
	return fmt.Sprintf("nats://a%d:a@127.0.0.1:%s", n, s.Port)
}
