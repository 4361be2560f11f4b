//go:build unix || windows

package basics_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// A pipeClient is a chat_client without a terminal, with the test as its server.
type pipeClient struct {
	*progtest.Server // the client
	stdin            io.WriteCloser
	server           *net.TCPConn // the connection to it
	port             string
}

// atPipes starts chat_client with options.
func atPipes(t *testing.T, options ...string) pipeClient {
	t.Helper()
	listener, port := progtest.Listen(t)
	cmd := exec.Command(filepath.Join(progtest.Bin(), "chat_client"), append(options, "127.0.0.1", port)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	client, err := progtest.Launch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Kill() })
	return pipeClient{client, stdin, progtest.Accept(t, listener), port}
}

// fails waits until the client ends with status 1 and a complaint.
func (c pipeClient) fails(t *testing.T, why string) {
	t.Helper()
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v, want status 1", err)
	}
	complaint := fmt.Sprintf("chat_client: chat at ('127.0.0.1', %s): %s\n", c.port, why)
	if !strings.HasSuffix(c.Output(), complaint) {
		t.Errorf("it printed %q, want %q at the end", c.Output(), complaint)
	}
}

// The timeout -t does not apply to a server that has nothing to say.
func TestChatClientInSilence(t *testing.T) {
	t.Parallel()
	client := atPipes(t, "-t", "0.1")
	<-time.After(500 * time.Millisecond) // far more than -t and a tick
	io.WriteString(client.server, "hello\n")
	if _, err := client.WaitFor(regexp.MustCompile(`hello\n\[Me\] `)); err != nil {
		t.Error(err)
	}
}

// The timeout applies to a server that does not take what the user types.
func TestChatClientServerDoesNotRead(t *testing.T) {
	t.Parallel()
	client := atPipes(t, "-t", "0.5")
	line := strings.Repeat("x", 4000) + "\n"
	go func() {
		for { // more than the system's buffers hold
			if _, err := io.WriteString(client.stdin, line); err != nil {
				return
			}
		}
	}()
	client.fails(t, "the server took no line in 500ms")
}
