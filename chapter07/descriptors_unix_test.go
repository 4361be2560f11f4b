//go:build unix

package chapter07

import (
	"bufio"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/listings"
)

// Every program prints to a socket what it prints to a terminal, except the
// inetd pair, which points its descriptors elsewhere.
func TestPrintsToSockets(t *testing.T) {
	t.Parallel()
	for _, program := range listings.On("", listings.Server, listings.Client, listings.Both, listings.Tool) {
		name := program.Name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, printed := startOnSocket(t, name, "-h")
			if line, err := printed.ReadString('\n'); !strings.HasPrefix(line, "usage: "+name+" ") {
				t.Errorf("%s -h printed %q, %v", name, line, err)
			}
		})
	}
	t.Run("srv_single/serves", func(t *testing.T) {
		t.Parallel()
		server, printed := startOnSocket(t, "srv_single", "127.0.0.1", "-p", "0")
		if line, err := printed.ReadString('\n'); !strings.HasPrefix(line, "Listening at ('127.0.0.1', ") {
			t.Errorf("srv_single printed %q, %v", line, err)
		}
		server.Process.Signal(syscall.SIGTERM)
	})
}

// startOnSocket starts a program whose descriptors 0 to 2 are a connection. It
// also returns a reader of the program's output, which gives up after
// progtest.Patience.
func startOnSocket(t *testing.T, name string, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	socket, err := accepted.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	cmd := exec.Command(filepath.Join(progtest.Bin(), name), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, socket
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, bufio.NewReader(conn)
}
