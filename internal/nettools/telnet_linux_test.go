package nettools

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// Our client works with our server as Debian's does: see session.
func TestTelnet(t *testing.T) {
	t.Parallel()
	cmd := command("telnet", "127.0.0.1", serveTelnet(t))
	cmd.Env = append(os.Environ(), "TERM=vt220")
	session(t, cmd)
}

// Ctrl-] asks for a command, and makes the terminal show what is typed.
func TestTelnetCommands(t *testing.T) {
	t.Parallel()
	p := sit(t, command("telnet", "127.0.0.1", serveTelnet(t)))
	p.sees(`login: $`)
	p.types("\x1d")
	p.sees(`\r\ntelnet> $`)
	p.types("what\r")
	p.sees(`what\r\n"what": not a command; try help\r\ntelnet> $`)
	p.types("\r")
	p.sees(`\r\n`)
	p.types("reader\rabc123\r")
	p.sees(`[$#] $`)
	p.types("\x1d")
	p.sees(`\r\ntelnet> $`)
	p.types("quit\r")
	p.sees(`Connection closed\.\r\n`)
	p.exits(0)
}

// serveOnce starts a server that does talk with its only client.
func serveOnce(t *testing.T, talk func(conn *net.TCPConn)) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(progtest.Patience))
		talk(conn.(*net.TCPConn))
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	return progtest.PortOf(listener.Addr())
}

// With a server that is no telnet server, telnet sends lines that end with CR
// LF, and negotiates no options.
func TestTelnetLines(t *testing.T) {
	t.Parallel()
	var heard string
	port := serveOnce(t, func(conn *net.TCPConn) {
		heard, _ = bufio.NewReader(conn).ReadString('\n')
		io.WriteString(conn, "answer\r\n")
	})
	p := sit(t, command("telnet", "127.0.0.1", port))
	p.sees(`Trying 127\.0\.0\.1\.\.\.\r\nConnected to 127\.0\.0\.1\.\r\nEscape character is '\^\]'\.\r\n`)
	p.types("question\r")
	p.sees(`question\r\nanswer\r+\nConnection closed by foreign host\.\r\n`)
	p.exits(1)
	if heard != "question\r\n" {
		t.Errorf("the server heard %q", heard)
	}
}

// Without a terminal, telnet sends stdin, closes its side, and prints all
// answers. It offers neither a window size nor a terminal type.
func TestTelnetPiped(t *testing.T) {
	t.Parallel()
	answers := string([]byte{iac, do, optEcho, iac, wont, optWindowSize, iac, wont, optTerminalType})
	stdin, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	defer w.Close()
	var heard string
	port := serveOnce(t, func(conn *net.TCPConn) {
		conn.Write([]byte{iac, will, optEcho, iac, do, optWindowSize, iac, do, optTerminalType, iac, iac, 'a', '\r', 0, '\n'})
		got := make([]byte, len(answers))
		io.ReadFull(conn, got)
		io.WriteString(w, "x\n\xff")
		w.Close()
		rest, _ := io.ReadAll(conn)
		heard = string(got) + string(rest)
		conn.Write([]byte{'b', iac, do, 99, 'y', 'e', '\r', '\n'})
	})
	cmd := command("telnet", "127.0.0.1", port)
	cmd.Stdin = stdin
	stdout, stderr, status := run(cmd)
	if !strings.HasSuffix(stdout, "\xffa\r\nbye\r\n") || stderr != "Connection closed by foreign host.\n" || status != 1 {
		t.Errorf("status %d, and it printed %q and %q", status, stdout, stderr)
	}
	if want := answers + "x\r\n\xff\xff"; heard != want {
		t.Errorf("telnet sent %q, want %q", heard, want)
	}
}

// Our client works with Debian's server, as far as that can be started here: a
// login needs root, so this test looks only at the options.
func TestTelnetRealServer(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("telnetd")
	if err != nil {
		t.Skip(err)
	}
	script := t.TempDir() + "/login"
	if err := os.WriteFile(script, []byte("#!/bin/sh\nwhile [ \"$(stty size)\" != '24 80' ]; do :; done\nstty size\necho TERM=$TERM\nread x\necho \"got $x\"\nread y\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	port := serveOnce(t, func(conn *net.TCPConn) {
		file, err := conn.File()
		if err != nil {
			failed <- err
			return
		}
		defer file.Close()
		server := exec.Command(path, "-E", script)
		server.Stdin, server.Stdout, server.Stderr = file, file, file
		timer := time.AfterFunc(progtest.Patience, func() { server.Process.Kill() })
		defer timer.Stop()
		failed <- errors.Join(server.Start())
		server.Wait()
	})
	cmd := command("telnet", "127.0.0.1", port)
	cmd.Env = append(os.Environ(), "TERM=vt220")
	p := sit(t, cmd)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	p.sees(`24 80\r\n`)
	p.sees(`TERM=vt220\r\n`)
	p.types("hello\r")
	p.sees(`hello\r\ngot hello\r\n`)
	p.types("\r") // the script ends, and what it had just printed could be lost
	p.sees(`Connection closed by foreign host\.`)
	p.exits(1)
}

func TestTelnetFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args, stdout, stderr string
		status               int
	}{
		{"127.0.0.1 1", "Trying 127.0.0.1...\n", "telnet: 127.0.0.1: connection refused\n", 1},
		{"127.0.0.1 nosuch", "", "telnet: nosuch: not a port\n", 1},
		{"nosuch.invalid 1", "", "telnet: nosuch.invalid: ", 1},
		{"", "", "usage: telnet HOST [PORT]\n", 2},
	} {
		stdout, stderr, status := run(command("telnet", strings.Fields(test.args)...))
		if stdout != test.stdout || !strings.HasPrefix(stderr, test.stderr) || status != test.status {
			t.Errorf("telnet %s: status %d, and it printed %q and %q", test.args, status, stdout, stderr)
		}
	}
}
