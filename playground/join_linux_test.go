package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// A playground may end just when another command joins it: after it has accepted the
// client, or even after it has read the request. Then the command runs on the next one,
// which it brings up itself.
func TestJoinTheNext(t *testing.T) {
	needsNamespaces(t)
	for _, reads := range []bool{false, true} {
		t.Run(fmt.Sprintf("reads %v", reads), func(t *testing.T) {
			t.Parallel()
			cmd := command("h1", "echo", "runs once")
			c, out := lastClient(t, cmd)
			if reads {
				if _, err := c.Read(make([]byte, 128<<10)); err != nil {
					t.Fatal(err)
				}
			}
			c.Close()
			if err := cmd.Wait(); err != nil || out.String() != "runs once\n" {
				t.Errorf("it printed %q (%v)", out, err)
			}
		})
	}
}

// lastClient starts a command, plays the network that it joins, and accepts it as the
// last client. It returns the connection, and where the command's output goes.
func lastClient(t *testing.T, cmd *exec.Cmd) (net.Conn, *bytes.Buffer) {
	t.Helper()
	door := doorOf(t, cmd)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := door.Accept()
	if err != nil {
		t.Fatal(err)
	}
	door.Close()
	return c, &out
}

// If all networks end at once, a command gives up.
func TestJoinNone(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	cmd := command("h1", "true")
	door := doorOf(t, cmd)
	go func() {
		for {
			c, err := door.Accept()
			if err != nil {
				return // the test has ended
			}
			c.Close()
		}
	}()
	const want = "playground: h1: the network has ended\n"
	if out, err := cmd.CombinedOutput(); string(out) != want || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it printed %q (%v), want %q", out, err, want)
	}
}

// doorOf takes the name under which a command would find its playground.
func doorOf(t *testing.T, cmd *exec.Cmd) *net.UnixListener {
	t.Helper()
	name, _ := strings.CutPrefix(cmd.Env[len(cmd.Env)-1], "PLAYGROUND=")
	door, err := net.ListenUnix("unixpacket", &net.UnixAddr{
		Net: "unixpacket", Name: fmt.Sprintf("@fopnp-playground-%d-%s", os.Geteuid(), name),
	})
	if err != nil {
		t.Fatal(err)
	}
	door.SetDeadline(time.Now().Add(progtest.Patience))
	t.Cleanup(func() { door.Close() })
	return door
}

// If a playground ends just when the command wire asks it, none is up.
func TestWireOfNone(t *testing.T) {
	t.Parallel()
	cmd := command("wire")
	door := doorOf(t, cmd)
	go func() {
		if c, err := door.Accept(); err == nil {
			c.Close()
		}
		door.Close()
	}()
	const want = "playground: no playground is up; start one with go run ./playground\n"
	if out, err := cmd.CombinedOutput(); string(out) != want || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it printed %q (%v), want %q", out, err, want)
	}
}

// If a playground ends after it may have started the command, the command does not run
// again on the next one.
func TestNotTwice(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	cmd := command("h1", "echo", "runs twice")
	c, out := lastClient(t, cmd)
	if _, err := c.Write([]byte(`{"Started":true}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 128<<10)); err != nil { // unread data would make Close reset the connection
		t.Fatal(err)
	}
	c.Close()
	const want = "playground: h1: the network has ended\n"
	if err := cmd.Wait(); out.String() != want || err == nil {
		t.Errorf("it printed %q (%v), want %q", out, err, want)
	}
}
