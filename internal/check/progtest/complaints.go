package progtest

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
)

// Complaints checks that servers keep stdout and stderr apart. A server prints
// its text's lines to stdout. It reports a client's fault in one line on stderr
// if complains[name] is true; otherwise its text prints the fault, and nothing
// goes to stderr. Every other test reads the two as one stream.
func Complaints(t *testing.T, complains map[string]bool) {
	for name, complains := range complains {
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
			cmd := exec.Command(filepath.Join(Bin(), name), args...)
			cmd.Stderr = stderr
			server, err := Start(cmd)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Kill()
			client := Dial(t, server)
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
