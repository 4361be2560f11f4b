package fopnp

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

	"fopnp/internal/progtest"
)

// Everywhere else what a server prints is read as one stream, in its order. Here
// it is two: what its text prints goes to stdout, and what goes wrong with a
// client to stderr in one line, unless the text prints that as well.
func TestComplaints(t *testing.T) {
	for name, complains := range map[string]bool{
		"tcp_sixteen":       true,
		"srv_single":        false,
		"srv_threaded":      false,
		"srv_async":         false,
		"srv_asyncio1":      false,
		"srv_asyncio2":      false,
		"srv_legacy1":       false,
		"srv_legacy2":       true,
		"tcpserv1":          true,
		"tsTservSS":         true,
		"tcps1":             true,
		"SockServTCP":       true,
		"SockServTCPThread": true,
		"SockServTCPFork":   true,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
			if err != nil {
				t.Fatal(err)
			}
			defer stderr.Close()
			args := []string{"127.0.0.1", "-p", "0"}
			if name == "tcp_sixteen" {
				args = append([]string{"server"}, args...)
			}
			cmd := exec.Command(filepath.Join(progtest.Bin(), name), args...)
			cmd.Stderr = stderr
			server, err := progtest.Start(cmd)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Kill()
			client := dial(t, server)
			defer client.Close()
			io.WriteString(client, "half a")
			client.(*net.TCPConn).CloseWrite()
			io.ReadAll(client) // until the server is done with us
			if err := server.Stop(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			if strings.Contains("\n"+server.Output(), "\n"+name+": ") {
				t.Errorf("stdout has a complaint:\n%s", server.Output())
			}
			want := "^$"
			if complains {
				want = `^` + name + `: (?:client|request from) \('127\.0\.0\.1', \d+\): [^\n]+\n$`
			}
			said, err := os.ReadFile(stderr.Name())
			if err != nil || !regexp.MustCompile(want).Match(said) {
				t.Errorf("stderr is %q, want %s (%v)", said, want, err)
			}
		})
	}
}
