package netns

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience bounds each wait for something that must happen.
const patience = 30 * time.Second

// The test program is also the program that runs on the networks: under the name
// helper it does what its first argument says.
func TestMain(m *testing.M) {
	Main()
	if filepath.Base(os.Args[0]) == "helper" {
		if err := helper(os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "helper:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// moreVerbs are what the helper can do on this system only.
var moreVerbs = map[string]func() error{}

func helper(verb string, args []string) error {
	if do := moreVerbs[verb]; do != nil {
		return do()
	}
	switch verb {
	case "listen": // and dial each address that standard input names
		for _, address := range args {
			l, err := net.Listen("tcp", address)
			if err != nil {
				return err
			}
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					fmt.Fprintln(conn, os.Getenv("NAME"))
					conn.Close()
				}
			}()
		}
		fmt.Println("up")
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			if err := dial(lines.Text()); err != nil {
				return err
			}
		}
		return nil
	case "dial":
		return dial(args[0])
	case "datagrams": // one socket takes them from anyone, one from one peer
		server, err := net.ListenPacket("udp", args[0])
		if err != nil {
			return err
		}
		defer server.Close()
		client, err := net.Dial("udp", args[0])
		if err != nil {
			return err
		}
		defer client.Close()
	case "parent": // start a network whose programs never exit on their own
		n, err := Start(command("bear", os.Stdin, os.Stdout))
		if err != nil {
			return err
		}
		return n.Wait()
	case "bear": // start a child that leaves its process group, and wait for it
		child := exec.Command("setsid", "sh", "-c", "echo up; while :; do sleep 1000; done")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			return err
		}
		return child.Wait()
	}
	fmt.Println("up")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// dial prints what the server at an address says.
func dial(address string) error {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	_, err = io.Copy(os.Stdout, conn)
	return err
}

// command returns the helper, to be called with one verb and arguments.
func command(verb string, stdin, stdout *os.File, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, append([]string{verb}, args...)...)
	cmd.Args[0] = "helper"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, os.Stderr
	return cmd
}

// A host is a helper that runs on a network.
type host struct {
	*Network
	stdin  *os.File
	stdout *bufio.Reader
}

// start starts the helper on a network of its own, which is closed when the test
// ends.
func start(t *testing.T, name, verb string, args ...string) host {
	t.Helper()
	stdin, stdinEnd := pipe(t)
	stdoutEnd, stdout := pipe(t)
	cmd := command(verb, stdin, stdout, args...)
	cmd.Env = append(os.Environ(), "NAME="+name)
	n, err := Start(cmd)
	stdin.Close()
	stdout.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return host{n, stdinEnd, bufio.NewReader(stdoutEnd)}
}

// startUp calls start, and waits until the helper is up.
func startUp(t *testing.T, name, verb string, args ...string) host {
	t.Helper()
	h := start(t, name, verb, args...)
	if line, err := h.stdout.ReadString('\n'); line != "up\n" {
		t.Fatalf("%s printed %q (%v), want up", name, line, err)
	}
	return h
}

// pipe returns a pipe that is closed when the test ends. Reading from it has a
// deadline.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return r, w
}

func needsNetworks(t *testing.T) {
	t.Helper()
	if err := Supported(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// A network does not share the host's loopback: a port that is taken on the host
// is free there, and a connection to it is refused before a program listens.
func TestOwnLoopback(t *testing.T) {
	needsNetworks(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address := l.Addr().String()

	dials := start(t, "alone", "dial", address)
	if err := dials.Wait(); err == nil {
		t.Errorf("a program on a private network reached %s on the host", address)
	}
	startUp(t, "same port", "listen", address)
}

// Two networks listen on the same port, over IPv4 and IPv6, at the same time.
// A client on each network hears its own server.
func TestSamePort(t *testing.T) {
	needsNetworks(t)
	addresses := []string{"127.0.0.1:1060", "[::1]:1060"}
	names := []string{"one", "two"}
	var hosts []host
	for _, name := range names {
		hosts = append(hosts, startUp(t, name, "listen", addresses...))
	}
	for i, h := range hosts {
		for _, address := range addresses {
			fmt.Fprintln(h.stdin, address)
			if heard, err := h.stdout.ReadString('\n'); heard != names[i]+"\n" {
				t.Errorf("on network %s, %s says %q (%v)", names[i], address, heard, err)
			}
		}
	}
}

// Closing a network kills what its first process has started, even a process
// that has left the process group. A read from the pipe ends when the last
// process that could write to it is dead.
func TestClose(t *testing.T) {
	needsNetworks(t)
	h := startUp(t, "family", "bear")
	h.Close()
	if rest, err := io.ReadAll(h.stdout); err != nil || len(rest) > 0 {
		t.Errorf("after Close, a process still has the pipe: read %q, %v", rest, err)
	}
	if err := h.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Wait returned %v, want that the process was killed", err)
	}
	h.Close() // again, which does nothing
}

// The end of the first process ends the network, and Wait returns its status.
func TestFirstProcessExits(t *testing.T) {
	needsNetworks(t)
	r, w := pipe(t)
	cmd := exec.Command("sh", "-c", "(echo up; while :; do sleep 1000; done) & read line; exit 3")
	cmd.Stdout = w
	stdin, ours := pipe(t)
	cmd.Stdin = stdin
	n, err := Start(cmd)
	w.Close()
	stdin.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	out := bufio.NewReader(r)
	if line, err := out.ReadString('\n'); line != "up\n" {
		t.Fatalf("printed %q (%v), want up", line, err)
	}
	ours.Close()
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("a process outlived the first one: read %q, %v", rest, err)
	}
	var exit *exec.ExitError
	if err := n.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("Wait returned %v, want exit status 3", err)
	}
	if sockets := n.Listeners(); sockets != nil {
		t.Errorf("a dead network has the sockets %v", sockets)
	}
}

// A network dies with the process that started it, even if that is killed and
// cannot clean up.
func TestParentKilled(t *testing.T) {
	needsNetworks(t)
	r, w := pipe(t)
	parent := command("parent", nil, w)
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	out := bufio.NewReader(r)
	line, err := out.ReadString('\n')
	parent.Process.Kill()
	parent.Wait() // its error says that it was killed
	if line != "up\n" {
		t.Fatalf("printed %q (%v), want up", line, err)
	}
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("a process outlived the killed parent: read %q, %v", rest, err)
	}
}

// Listeners shows what a client can reach, and neither connections nor sockets
// that have a peer.
func TestListeners(t *testing.T) {
	needsNetworks(t)
	for _, test := range []struct {
		verb string
		args []string
		want []string
	}{
		{"listen", []string{"127.0.0.1:1060", "[::1]:2345"}, []string{"tcp 1060", "tcp6 2345"}},
		{"datagrams", []string{"127.0.0.1:7739"}, []string{"udp 7739"}},
		{"datagrams", []string{"[::1]:7739"}, []string{"udp6 7739"}},
	} {
		h := startUp(t, test.verb, test.verb, test.args...)
		var got []string
		inodes := map[string]bool{}
		for _, s := range h.Listeners() {
			got = append(got, fmt.Sprint(s.Network, " ", s.Port))
			inodes[s.Inode] = true
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s %v: Listeners are %v, want %v", test.verb, test.args, got, test.want)
		}
		if len(inodes) != len(test.want) {
			t.Errorf("%s %v: the inodes are %v, want %d different ones", test.verb, test.args, inodes, len(test.want))
		}
		h.Close()
	}
}

// If Start cannot start a program, it returns an error that names the program,
// and leaves no network.
func TestStartErrors(t *testing.T) {
	needsNetworks(t)
	if n, err := Start(exec.Command("nosuchprogram")); err == nil {
		n.Close()
		t.Error("a program that does not exist was started")
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if n, err := Start(exec.Command(missing)); err == nil {
		n.Close()
		t.Error("a file that does not exist was started")
	} else if want := "netns: exec " + missing + ": no such file or directory"; err.Error() != want {
		t.Errorf("the error is %q, want %q", err, want)
	}
	started := exec.Command("true")
	if err := started.Run(); err != nil {
		t.Fatal(err)
	}
	if n, err := Start(started); err == nil {
		n.Close()
		t.Error("a command that has run was started again")
	}
}
