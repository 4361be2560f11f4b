package progtest

import (
	"errors"
	"os/exec"
	"testing"

	"fopnp/internal/check/natsd"
	"fopnp/internal/listings"
)

// Beside returns the options that a server needs because another program runs
// beside it. It starts that program, for this test. If the program is missing,
// Beside skips the test. For most servers, it returns nil.
func Beside(t testing.TB, l listings.Listing) []string {
	t.Helper()
	if l.Beside != natsd.Program {
		return nil
	}
	return []string{"-n", StartNATS(t, natsd.Config{}).NewURL()}
}

// StartNATS starts a NATS server with a folder of its own. It is killed when
// the test ends. If there is no such program, StartNATS skips the test.
func StartNATS(t testing.TB, config natsd.Config) *natsd.Server {
	t.Helper()
	config.Dir = t.TempDir()
	server, err := natsd.Start(config)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skipf("there is no %s", natsd.Program)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })
	return server
}
