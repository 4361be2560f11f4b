package basics_test

import (
	"fmt"
	"io"
	"net"
	"testing"

	"fopnp/internal/check/progtest"
)

// Echo_client reads until twelve bytes are back. Less is a fault.
func TestEchoClient(t *testing.T) {
	t.Parallel()
	const hello = "Hello, world"
	hear := func(c *net.TCPConn) { io.ReadFull(c, make([]byte, len(hello))) }
	for _, test := range []struct {
		name              string
		serve             func(*net.TCPConn)
		stdout, complaint string
	}{
		{"in pieces", func(c *net.TCPConn) {
			hear(c)
			for i := range len(hello) {
				c.Write([]byte{hello[i]})
			}
		}, `('Received', "'Hello, world'")`, ""},
		{"another text", func(c *net.TCPConn) {
			hear(c)
			c.Write([]byte("it's \xff\x00 and so on"))
		}, `('Received', '"it\'s \\xff\\x00 and so on"')`, ""},
		{"cut short", func(c *net.TCPConn) {
			hear(c)
			c.Write([]byte("Hello,"))
		}, "", "received b'Hello,' then socket closed"},
		{"reset", func(c *net.TCPConn) {
			hear(c)
			c.SetLinger(0)
		}, "", "connection reset by peer"},
		{"silent", func(c *net.TCPConn) {
			hear(c)
			c.Read(make([]byte, 1)) // until the client gives up
		}, "", "timed out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			patience := "0"
			if test.name == "silent" {
				patience = "2" // enough for what is sent to arrive
			}
			client, port := progtest.PerformWith(t, test.serve, "echo_client", "-t", patience)
			stdout, stderr := test.stdout, ""
			if test.complaint == "" {
				stdout += "\n"
			} else {
				stderr = fmt.Sprintf("echo_client: no echo from ('127.0.0.1', %s): %s\n", port, test.complaint)
			}
			client.Prints(t, stdout, stderr)
			if status := client.Cmd.ProcessState.ExitCode(); (status != 0) != (test.complaint != "") {
				t.Errorf("its status is %d", status)
			}
		})
	}
}
