// Package fopnp has no code of its own: its tests build every listing once and
// hold them against their texts. The scripts in testdata/ prove what each
// listing does (script_test.go), the READMEs are run and compared with what
// they print (readme_test.go), and the Zen servers are put through everything
// the internet may do to them (zen_test.go).
package fopnp

import (
	"os"
	"os/exec"
	"testing"

	"fopnp/internal/literate"
	"fopnp/internal/progtest"
)

func TestMain(m *testing.M) {
	literate.Main()
	os.Exit(progtest.Main(m))
}

// start starts a server that is killed if the test does not end it.
func start(t *testing.T, cmd *exec.Cmd) *progtest.Server {
	server, err := progtest.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })
	return server
}
