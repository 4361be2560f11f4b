package lecture23_test

import (
	"fmt"
	"io"
	"net"
	"testing"

	"fopnp/internal/check/progtest"
)

// Each recv of echoclient waits until as much has come back as was sent, or until
// the server closes. A reset and a silent server are faults: the client prints one
// line about it, after the session up to there.
func TestEchoclient(t *testing.T) {
	t.Parallel()
	const hello = "Hello, how are you?"
	hear := func(c *net.TCPConn) { io.ReadFull(c, make([]byte, len(hello))) }
	say := func(text string) func(*net.TCPConn) {
		return func(c *net.TCPConn) {
			hear(c)
			io.WriteString(c, text)
			c.CloseWrite()
			hear(c) // the second message, or closing would reset the connection
		}
	}
	for _, test := range []struct {
		name      string
		serve     func(*net.TCPConn)
		received  []string // by each recv that succeeds
		complaint string
	}{
		{"in pieces", func(c *net.TCPConn) {
			for range 2 {
				hear(c)
				for i := range len(hello) {
					c.Write([]byte{hello[i]})
				}
			}
		}, []string{"b'Hello, how are you?'", "b'Hello, how are you?'"}, ""},
		{"cut short", say("Hello,"), []string{"b'Hello,'", "b''"}, ""},
		{"nothing", say(""), []string{"b''", "b''"}, ""},
		{"more", say("You said: " + hello + "\r\n"), []string{`b'You said: Hello, how are you?\r\n'`, "b''"}, ""},
		{"another text", say("it's \xff\x00 and so on.."), []string{`b"it's \xff\x00 and so on.."`, "b''"}, ""},
		{"reset", func(c *net.TCPConn) {
			hear(c)
			c.SetLinger(0)
		}, nil, "connection reset by peer"},
		{"second reset", func(c *net.TCPConn) {
			hear(c)
			io.WriteString(c, hello)
			hear(c)
			c.SetLinger(0)
		}, []string{"b'Hello, how are you?'"}, "connection reset by peer"},
		{"silent", func(c *net.TCPConn) {
			hear(c)
			io.WriteString(c, "Hello,")
			c.Read(make([]byte, 1)) // until the client gives up
		}, nil, "received b'Hello,' then timed out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			patience := "0"
			if test.name == "silent" {
				patience = "2" // enough for what is sent to arrive
			}
			client, port := progtest.PerformWith(t, test.serve, "echoclient", "-t", patience)
			stdout := fmt.Sprintf(">>> from socket import socket\n>>> echo = socket()\n"+
				">>> echo.connect( ('127.0.0.1', %s) )\n>>> message = \"Hello, how are you?\"\n", port)
			for _, received := range test.received {
				stdout += ">>> echo.send(message.encode())\n19\n>>> echo.recv(1024)\n" + received + "\n"
			}
			stderr := ""
			if test.complaint != "" {
				stdout += ">>> echo.send(message.encode())\n19\n>>> echo.recv(1024)\n"
				stderr = fmt.Sprintf("echoclient: no echo from ('127.0.0.1', %s): %s\n", port, test.complaint)
			}
			client.Prints(t, stdout, stderr)
			if status := client.Cmd.ProcessState.ExitCode(); (status != 0) != (test.complaint != "") {
				t.Errorf("its status is %d", status)
			}
		})
	}
}
