package nettools

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// A piped program talks with the test through pipes.
type piped struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *bufio.Reader
}

// pipes starts a program, which is killed when the test ends.
func pipes(t *testing.T, cmd *exec.Cmd) *piped {
	t.Helper()
	p := &piped{t: t, cmd: cmd}
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	open := func() (*bufio.Reader, *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return bufio.NewReader(r), w
	}
	var out, complaints *os.File
	p.stdout, out = open()
	p.stderr, complaints = open()
	cmd.Stdout, cmd.Stderr = out, complaints
	err = cmd.Start()
	out.Close()
	complaints.Close()
	if err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(progtest.Patience, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		timer.Stop()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return p
}

// prints expects the next line of stdout, or of stderr.
func (p *piped) prints(from *bufio.Reader, pattern string) []string {
	p.t.Helper()
	line, err := from.ReadString('\n')
	match := regexp.MustCompile(`^` + pattern + `\n$`).FindStringSubmatch(line)
	if match == nil {
		p.t.Fatalf("%s printed %q (%v), want %s", p.cmd.Args[0], line, err, pattern)
	}
	return match
}

// exits expects that the program exits with a status, and prints no more.
func (p *piped) exits(status int) {
	p.t.Helper()
	out, _ := io.ReadAll(p.stdout)
	complaints, _ := io.ReadAll(p.stderr)
	p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != status || len(out)+len(complaints) > 0 {
		p.t.Errorf("%s exited with status %d, want %d; at last it printed %q and %q", p.cmd.Args[0], got, status, out, complaints)
	}
}

// ncs are ours and OpenBSD's. Each is the client of each.
func ncs(t *testing.T) map[string]func(args ...string) *exec.Cmd {
	all := map[string]func(args ...string) *exec.Cmd{"ours": func(args ...string) *exec.Cmd { return command("nc", args...) }}
	if help, err := exec.Command("nc", "-h").CombinedOutput(); err != nil || !strings.HasPrefix(string(help), "OpenBSD netcat") {
		t.Log("there is no OpenBSD netcat")
	} else {
		all["OpenBSD's"] = func(args ...string) *exec.Cmd { return exec.Command("nc", args...) }
	}
	return all
}

// Two ncs talk with each other over TCP. With -N, the end of the client's stdin
// ends the connection, and both programs.
func TestNc(t *testing.T) {
	t.Parallel()
	all := ncs(t)
	for serverName, server := range all {
		for clientName, client := range all {
			t.Run(serverName+" and "+clientName, func(t *testing.T) {
				t.Parallel()
				s := pipes(t, server("-v", "-l", "-N", "127.0.0.1", "0"))
				port := s.prints(s.stderr, `Listening on (?:127\.0\.0\.1|localhost) (\d+)`)[1]
				c := pipes(t, client("-v", "-n", "-N", "127.0.0.1", port))
				s.prints(s.stderr, `Connection received on (127\.0\.0\.1|localhost) \d+`)
				c.prints(c.stderr, `Connection to 127\.0\.0\.1 `+port+` port \[tcp/\*\] succeeded!`)
				for n := range 3 {
					fmt.Fprintf(c.stdin, "question %d\n", n)
					s.prints(s.stdout, fmt.Sprintf("question %d", n))
					fmt.Fprintf(s.stdin, "answer %d\n", n)
					c.prints(c.stdout, fmt.Sprintf("answer %d", n))
				}
				c.stdin.Close()
				s.exits(0)
				c.exits(0)
			})
		}
	}
}

// Over UDP, each read of stdin is a datagram, and the server answers its first
// client.
func TestNcUDP(t *testing.T) {
	t.Parallel()
	all := ncs(t)
	for clientName, client := range all {
		t.Run(clientName, func(t *testing.T) {
			t.Parallel()
			s := pipes(t, command("nc", "-u", "-v", "-l", "127.0.0.1", "0"))
			port := s.prints(s.stderr, `Listening on 127\.0\.0\.1 (\d+)`)[1]
			c := pipes(t, client("-u", "127.0.0.1", port))
			fmt.Fprint(c.stdin, "question\n")
			s.prints(s.stderr, `Connection received on 127\.0\.0\.1 \d+`)
			s.prints(s.stdout, "question")
			fmt.Fprint(s.stdin, "answer\n")
			c.prints(c.stdout, "answer")
		})
	}
}

// With -k, the server takes one client after the other. Stdin goes to the
// client that is there.
func TestNcKeeps(t *testing.T) {
	t.Parallel()
	s := pipes(t, command("nc", "-vklN", "127.0.0.1", "0"))
	port := s.prints(s.stderr, `Listening on 127\.0\.0\.1 (\d+)`)[1]
	for n := range 3 {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(progtest.Patience))
		s.prints(s.stderr, `Connection received on 127\.0\.0\.1 \d+`)
		line := fmt.Sprintf("line %d\n", n)
		io.WriteString(s.stdin, line)
		got, err := bufio.NewReader(conn).ReadString('\n')
		if got != line {
			t.Errorf("client %d heard %q (%v)", n, got, err)
		}
		conn.Close()
	}
}

// nc reports open and closed ports, and other failures.
func TestNcPorts(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close() // when the test ends
		}
	}()
	port := progtest.PortOf(listener.Addr())
	for _, test := range []struct {
		args, stderr string
		status       int
	}{
		{"-z 127.0.0.1 " + port, "", 0},
		{"-zv 127.0.0.1 " + port, "Connection to 127.0.0.1 " + port + " port [tcp/*] succeeded!\n", 0},
		{"-z 127.0.0.1 1", "", 1},
		{"127.0.0.1 1", "nc: connect to 127.0.0.1 port 1: connection refused\n", 1},
		{"-zv 127.0.0.1 1-2", "nc: connect to 127.0.0.1 port 1: connection refused\nnc: connect to 127.0.0.1 port 2: connection refused\n", 1},
		{"-zuv 127.0.0.1 1", "nc: connect to 127.0.0.1 port 1: connection refused\n", 1},
		{"-u 127.0.0.1 1", "nc: receive: connection refused\n", 1},
		{"-w 0.5 127.0.0.1 " + port, "", 0},
		{"-n localhost " + port, "nc: localhost: not an address\n", 1},
		{"127.0.0.1 nosuch", "nc: nosuch: \"nosuch\" is not a port\n", 1},
		{"-l 127.0.0.1 " + port, "nc: listen at 127.0.0.1:" + port + ": address already in use\n", 1},
		{"-l -p " + port + " 127.0.0.1", "nc: listen at 127.0.0.1:" + port + ": address already in use\n", 1},
		{"-l", "usage: nc ", 2},
		{"-l -p " + port + " 127.0.0.1 " + port, "usage: nc ", 2},
		{"127.0.0.1", "usage: nc ", 2},
		{"a b c", "nc: unexpected argument \"c\"\n", 2},
	} {
		cmd := command("nc", strings.Fields(test.args)...)
		cmd.Stdin = strings.NewReader("x")
		stdout, stderr, status := run(cmd)
		exact := test.status != 2 && stderr != test.stderr
		if stdout != "" || exact || !strings.Contains(stderr, test.stderr) || status != test.status {
			t.Errorf("nc %s: status %d, and it printed %q and %q", test.args, status, stdout, stderr)
		}
	}
}
