package conform

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/listings"
)

// Complaints checks that the TCP servers of a shelf keep stdout and stderr apart.
// A server prints its text's lines to stdout. When a client leaves in the
// middle of a message, the server reports it on the stream that its row names,
// and a report on stderr is one line. All other tests read the two streams as
// one.
func Complaints(t *testing.T, shelf string) {
	for _, listing := range listings.On(shelf, listings.Server, listings.Both) {
		if listing.Network != "tcp" {
			continue
		}
		t.Run(listing.Name, func(t *testing.T) {
			t.Parallel()
			stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
			if err != nil {
				t.Fatal(err)
			}
			defer stderr.Close()
			cmd := exec.Command(filepath.Join(progtest.Bin(), listing.Name), listing.ServeArgs("127.0.0.1", "0", progtest.Beside(t, listing)...)...)
			cmd.Stderr = stderr
			server, err := progtest.Start(cmd)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Kill()
			client := progtest.Dial(t, server)
			defer client.Close()
			io.WriteString(client, "half a")
			client.(*net.TCPConn).CloseWrite()
			io.ReadAll(client) // until the server hangs up
			if listing.ServesOne {
				err = server.Wait()
			} else {
				err = server.Stop(syscall.SIGTERM)
			}
			if err != nil {
				t.Error(err)
			}
			if strings.Contains("\n"+server.Output(), "\n"+listing.Name+": ") {
				t.Errorf("stdout has a complaint:\n%s", server.Output())
			}
			if listing.Faults == listings.Stdout && !strings.Contains(server.Output(), "b'half a'") {
				t.Errorf("stdout does not say that the client left:\n%s", server.Output())
			}
			want := "^$"
			if listing.Faults == listings.Stderr {
				want = `^` + listing.Name + `: (?:client|request from) \('127\.0\.0\.1', \d+\): [^\n]+\n$`
			}
			said, err := os.ReadFile(stderr.Name())
			if err != nil || !regexp.MustCompile(want).Match(said) {
				t.Errorf("stderr is %q, want %s (%v)", said, want, err)
			}
		})
	}
}
