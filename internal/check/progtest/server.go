package progtest

import (
	"os/exec"
	"path/filepath"
	"testing"

	"fopnp/internal/serve/child"
)

// Patience limits every wait for an event that must happen: see child.Patience.
const Patience = child.Patience

// A Server is a program that a test has started. See package child.
type Server struct {
	*child.Process
	Port string // where it listens, if Start has started it
}

// Start starts a server and waits until it announces its port. It collects the
// output as child.Start does. The caller must call Stop or Kill.
func Start(cmd *exec.Cmd) (*Server, error) {
	s, err := Launch(cmd)
	if err != nil {
		return nil, err
	}
	if s.Port, err = s.Ready(); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// Launch starts a program that does not say when it is ready, such as a client.
// It does not wait. The caller must call Stop or Kill.
func Launch(cmd *exec.Cmd) (*Server, error) {
	process, err := child.Start(cmd)
	if err != nil {
		return nil, err
	}
	return &Server{Process: process}, nil
}

// MustStart starts a program of Bin as Start does. If it cannot, it fails the
// test. When the test ends, it kills the server if it still runs.
func MustStart(t testing.TB, name string, args ...string) *Server {
	t.Helper()
	server, err := Start(exec.Command(filepath.Join(Bin(), name), args...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })
	return server
}
