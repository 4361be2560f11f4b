package superserver

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// The test program is the super-server under the name inetd. Under the name
// builtins it is a client of the services that the super-server provides
// itself.
func TestMain(m *testing.M) {
	netns.Main()
	switch filepath.Base(os.Args[0]) {
	case "inetd":
		os.Exit(Main(os.Args[1:]))
	case "builtins":
		if err := askBuiltins(os.Args[1]); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or every server exits a second late
	os.Exit(m.Run())
}

// inetd returns the command of a super-server.
func inetd(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = "inetd"
	return cmd
}

// A running super-server logs to a pipe.
type running struct {
	*exec.Cmd
	conf, pidFile string
	log           *bufio.Scanner
}

// start starts a super-server with a configuration. In it, ME stands for the
// user who runs the test. It is stopped when the test ends.
func start(t *testing.T, text string) *running {
	t.Helper()
	s := &running{conf: filepath.Join(t.TempDir(), "inetd.conf"), pidFile: filepath.Join(t.TempDir(), "pid")}
	s.configure(t, text)
	s.Cmd = inetd("-d", "-p", s.pidFile, s.conf)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.Stderr = w
	err = s.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	r.SetReadDeadline(time.Now().Add(progtest.Patience))
	s.log = bufio.NewScanner(r)
	t.Cleanup(func() {
		s.Process.Kill()
		s.Wait()
		r.Close()
	})
	progtest.Until(t, "the server writes its process id", func() bool {
		text, _ := os.ReadFile(s.pidFile)
		return string(text) == fmt.Sprintln(s.Process.Pid)
	})
	return s
}

func (s *running) configure(t *testing.T, text string) {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Skip("this user has no name: ", err)
	}
	text = strings.ReplaceAll(text, "ME", me.Username)
	if err := os.WriteFile(s.conf, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// logs expects the next line of the log.
func (s *running) logs(t *testing.T, want string) {
	t.Helper()
	if !s.log.Scan() || s.log.Text() != "inetd: "+want {
		t.Fatalf("the log has %q (%v), want %q", s.log.Text(), s.log.Err(), "inetd: "+want)
	}
}

func port(t *testing.T) string {
	t.Helper()
	port, release, err := progtest.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// dial connects as soon as the server listens.
func dial(t *testing.T, network, address string) (conn net.Conn) {
	t.Helper()
	progtest.Until(t, address+" accepts connections", func() bool {
		var err error
		conn, err = net.Dial(network, address)
		return err == nil
	})
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	return conn
}

// hears checks all that a server sends before it closes the connection.
func hears(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) || string(got) != want {
		t.Errorf("the client heard %q (%v), want %q", got, err, want)
	}
}

// A program gets its client as descriptors 0, 1 and 2, over IPv4, IPv6 and a
// unix socket. The protocol tcp means both versions of IP.
func TestNowait(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "socket")
	port := port(t)
	start(t, fmt.Sprintf(`localhost,127.0.0.1,::1:%s stream tcp nowait ME /bin/sh sh -c read${IFS}x;echo${IFS}$x>&2
%s stream unix nowait ME /bin/cat cat
`, port, path))
	for _, client := range []net.Conn{
		dial(t, "tcp", "127.0.0.1:"+port),
		dial(t, "unix", path),
	} {
		io.WriteString(client, "Why?\n")
		client.(interface{ CloseWrite() error }).CloseWrite()
		hears(t, client, "Why?\n")
	}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil { // this host has IPv6
		l.Close()
		client := dial(t, "tcp", "[::1]:"+port)
		io.WriteString(client, "Why?\n")
		hears(t, client, "Why?\n")
	}
}

// With wait, the server leaves the socket alone while the program runs, even if
// the program does not accept the client that waits there.
func TestWait(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	started, end := filepath.Join(folder, "started"), filepath.Join(folder, "end")
	if err := unix.Mkfifo(end, 0o600); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(folder, "service")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho x >>"+started+"\nread x <"+end+"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	waits, beside := port(t), port(t)
	s := start(t, "127.0.0.1:"+waits+" stream tcp wait ME "+script+" service\n"+
		"127.0.0.1:"+beside+" stream tcp nowait ME /bin/echo echo hello\n")
	starts := func() int {
		text, _ := os.ReadFile(started)
		return strings.Count(string(text), "x\n")
	}
	dial(t, "tcp", "127.0.0.1:"+waits)
	for n := 1; n <= 3; n++ {
		progtest.Until(t, "the program starts", func() bool { return starts() == n })
		for range 3 { // give the server time to start it again
			hears(t, dial(t, "tcp", "127.0.0.1:"+beside), "hello\n")
		}
		if starts() != n {
			t.Fatalf("the program was started while it ran")
		}
		if err := os.WriteFile(end, []byte("\n"), 0); err != nil {
			t.Fatal(err)
		}
	}
	progtest.Until(t, "the program starts", func() bool { return starts() == 4 })
	s.Process.Kill() // or it would start a fifth
	s.Wait()
	if err := os.WriteFile(end, []byte("\n"), 0); err != nil {
		t.Fatal(err)
	}
}

// A datagram service starts once for each datagram that it reads.
func TestWaitDatagrams(t *testing.T) {
	t.Parallel()
	started := filepath.Join(t.TempDir(), "started")
	script := filepath.Join(t.TempDir(), "service")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho x >>"+started+"\nhead -c 1 >/dev/null\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	port := port(t)
	s := start(t, "127.0.0.1:"+port+" dgram udp4 wait ME "+script+" service\n")
	client, err := net.Dial("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	starts := func() int {
		text, _ := os.ReadFile(started)
		return strings.Count(string(text), "x\n")
	}
	progtest.Until(t, "the server has bound its socket", func() bool {
		_, err := client.Write([]byte("1"))
		return err == nil && starts() > 0
	})
	before := starts()
	client.Write([]byte("2"))
	progtest.Until(t, "the program starts again", func() bool { return starts() > before })
	s.Process.Signal(syscall.SIGTERM)
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
}

// A service whose program starts more often than allowed is closed for ten
// minutes, or until the configuration is read again.
func TestLimit(t *testing.T) {
	t.Parallel()
	port := port(t)
	s := start(t, "127.0.0.1:"+port+" stream tcp nowait.2 ME /bin/echo echo hello\n")
	for range 2 {
		hears(t, dial(t, "tcp", "127.0.0.1:"+port), "hello\n")
	}
	if third, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil { // or it is reset at once
		defer third.Close()
	}
	s.logs(t, port+"/tcp server failing (looping), service terminated for 10 min")
	if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
		conn.Close()
		t.Error("the service that failed accepts a client")
	}
	s.Process.Signal(syscall.SIGHUP)
	hears(t, dial(t, "tcp", "127.0.0.1:"+port), "hello\n")
}

// A program that cannot be started costs its client the connection. The log
// says why, and the server goes on.
func TestCannotStart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, entry, log string }{
		{"program", "nowait ME /no/such x", "execv /no/such: No such file or directory"},
		{"program that waits", "wait ME /no/such x", "execv /no/such: No such file or directory"},
		{"not a program", "nowait ME /dev/null x", "execv /dev/null: Permission denied"},
		{"user", "nowait nosuch /bin/cat cat", "getpwnam: nosuch: No such user"},
		{"group", "wait ME:nosuch /bin/cat cat", "getgrnam: nosuch: No such group"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			port := port(t)
			s := start(t, "127.0.0.1:"+port+" stream tcp "+test.entry+"\n")
			for range 3 {
				hears(t, dial(t, "tcp", "127.0.0.1:"+port), "")
				s.logs(t, test.log)
			}
		})
	}
}

// Wrong entries are logged, and the right ones work.
func TestWrongEntries(t *testing.T) {
	t.Parallel()
	port := port(t)
	s := start(t, strings.ReplaceAll(`nonsense
nosuch stream tcp nowait ME /bin/cat cat
127.0.0.1:PORT stream tcp nowait ME internal
nosuch.invalid:PORT stream tcp nowait ME /bin/cat cat
127.0.0.1:PORT stream tcp nowait ME /bin/echo echo first
127.0.0.1:PORT stream tcp nowait ME /bin/echo echo second
192.0.2.1:PORT stream tcp nowait ME /bin/cat cat
`, "PORT", port))
	s.logs(t, s.conf+":1: nonsense: an entry needs 6 fields, and this one has 1")
	s.logs(t, s.conf+":2: nosuch/tcp: unknown service")
	s.logs(t, s.conf+":3: internal service "+port+" unknown")
	s.logs(t, s.conf+":4: "+port+"/tcp: nosuch.invalid: Name or service not known")
	s.logs(t, s.conf+":6: "+port+"/tcp: line 5 has this service already")
	s.logs(t, port+"/tcp: bind: Cannot assign requested address")
	hears(t, dial(t, "tcp", "127.0.0.1:"+port), "first\n")
}

// At SIGHUP, a service that is still configured keeps its socket and its
// program, a new one opens, and a removed one closes. If the file is gone,
// nothing changes.
func TestReload(t *testing.T) {
	t.Parallel()
	stays, goes, comes := port(t), port(t), port(t)
	entry := func(port, mode string) string {
		return "127.0.0.1:" + port + " stream tcp " + mode + " ME /bin/cat cat\n"
	}
	s := start(t, entry(stays, "nowait")+entry(goes, "nowait"))
	client := dial(t, "tcp", "127.0.0.1:"+stays)
	dial(t, "tcp", "127.0.0.1:"+goes)
	before := inodes(t, s.Process.Pid)
	s.configure(t, entry(comes, "nowait")+entry(stays, "nowait"))
	s.Process.Signal(syscall.SIGHUP)
	dial(t, "tcp", "127.0.0.1:"+comes)
	if conn, err := net.Dial("tcp", "127.0.0.1:"+goes); err == nil {
		conn.Close()
		t.Error("a service that is no longer configured accepts a client")
	}
	kept := 0
	for inode := range inodes(t, s.Process.Pid) {
		if before[inode] {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("the server kept %d sockets, want that of one service", kept)
	}
	io.WriteString(client, "still here")
	client.(*net.TCPConn).CloseWrite()
	hears(t, client, "still here")

	os.Remove(s.conf)
	s.Process.Signal(syscall.SIGHUP)
	s.logs(t, s.conf+": No such file or directory")
	dial(t, "tcp", "127.0.0.1:"+comes)
}

// inodes returns the listening sockets of a process.
func inodes(t *testing.T, pid int) map[string]bool {
	t.Helper()
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
	if err != nil {
		t.Fatal(err)
	}
	listens := map[string]bool{}
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" {
			listens["socket:["+f[9]+"]"] = true
		}
	}
	found := map[string]bool{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && listens[to] {
			found[to] = true
		}
	}
	return found
}

// SIGTERM and SIGINT stop the server with status 0. It removes its files, and
// does not stop the programs that serve clients.
func TestStop(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		path := filepath.Join(t.TempDir(), "socket")
		s := start(t, path+" stream unix nowait ME /bin/cat cat\n")
		client := dial(t, "unix", path)
		io.WriteString(client, "a")
		io.ReadFull(client, make([]byte, 1)) // the program runs
		s.Process.Signal(sig)
		if err := s.Wait(); err != nil {
			t.Errorf("%v: %v", sig, err)
		}
		for _, file := range []string{path, s.pidFile} {
			if _, err := os.Lstat(file); err == nil {
				t.Errorf("%v: the server left %s", sig, file)
			}
		}
		io.WriteString(client, "b")
		client.(*net.UnixConn).CloseWrite()
		hears(t, client, "b")
	}
}

// As root, the server starts a program as the user and with the groups that the
// entry names.
func TestUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can start a program as another user")
	}
	if _, err := user.Lookup("nobody"); err != nil {
		t.Skip(err)
	}
	first, second := port(t), port(t)
	start(t, fmt.Sprintf(`127.0.0.1:%s stream tcp nowait nobody /usr/bin/id id
127.0.0.1:%s stream tcp nowait nobody:daemon /usr/bin/id id
`, first, second))
	for port, want := range map[string]string{
		first:  `^uid=\d+\(nobody\) gid=\d+\(nogroup\) groups=\d+\(nogroup\)\n$`,
		second: `^uid=\d+\(nobody\) gid=\d+\(daemon\) groups=\d+\(daemon\),\d+\(nogroup\)\n$`,
	} {
		got, err := io.ReadAll(dial(t, "tcp", "127.0.0.1:"+port))
		if err != nil || !regexp.MustCompile(want).Match(got) {
			t.Errorf("id printed %q (%v), want %s", got, err, want)
		}
	}
}

// Without -E, programs do not get the variables of the user who started the
// server.
func TestEnvironment(t *testing.T) {
	got := strings.Join(laundered([]string{"A=1", "PATH=/bin", "PATHS=2", "LD_PRELOAD=x", "TERMINFO=x", "HOME=/", "XHOME=3"}), " ")
	if want := "A=1 PATHS=2 XHOME=3"; got != want {
		t.Errorf("laundered returned %q, want %q", got, want)
	}
}

// Without -i, the command returns, and the server runs in a session of its own.
func TestBackground(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	if err != nil {
		t.Skip("this user has no name: ", err)
	}
	port, folder := port(t), t.TempDir()
	conf, pidFile := filepath.Join(folder, "conf"), filepath.Join(folder, "pid")
	entry := "127.0.0.1:" + port + " stream tcp nowait " + me.Username + " /bin/echo echo hello\n"
	if err := os.WriteFile(conf, []byte(entry), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := inetd("-p", pidFile, conf).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("inetd printed %q (%v)", out, err)
	}
	hears(t, dial(t, "tcp", "127.0.0.1:"+port), "hello\n")
	var pid int
	text, _ := os.ReadFile(pidFile)
	if fmt.Sscan(string(text), &pid); pid == 0 {
		t.Fatalf("the file of the process id has %q", text)
	}
	if session, _ := unix.Getsid(pid); session != pid {
		t.Errorf("process %d is in session %d, want its own", pid, session)
	}
	if folder, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); folder != "/" {
		t.Errorf("the server works in %q", folder)
	}
	unix.Kill(pid, unix.SIGTERM)
	progtest.Until(t, "the server stops", func() bool {
		_, err := os.Lstat(pidFile)
		return os.IsNotExist(err)
	})
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   string
		status int
		stderr string
	}{
		{"-i /no/such", 1, "inetd: read /no/such: No such file or directory\n"},
		{"-x", 2, "inetd: unknown shorthand flag: 'x' in -x\n"},
		{"-R many", 2, "invalid argument \"many\""},
		{"a b", 2, "inetd: unexpected argument \"b\"\n"},
		{"-h", 0, "usage: inetd [-dEi] [-p FILE] [-q LENGTH] [-R RATE] [FILE]\n"},
	} {
		cmd := inetd(strings.Fields(test.args)...)
		out, _ := cmd.CombinedOutput()
		if status := cmd.ProcessState.ExitCode(); status != test.status || !strings.Contains(string(out), test.stderr) {
			t.Errorf("inetd %s: status %d, and it printed\n%s", test.args, status, out)
		}
	}
}

// The server provides five services itself, over TCP and UDP, at their own
// ports.
func TestBuiltins(t *testing.T) {
	t.Parallel()
	if err := netns.Supported(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	var text strings.Builder
	for name := range builtins {
		fmt.Fprintf(&text, "%s stream tcp nowait root internal\n%s dgram udp wait root internal\n", name, name)
	}
	conf := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(conf, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", conf)
	cmd.Args[0] = "builtins"
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	network, err := netns.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer network.Close()
	err = network.Wait()
	if said, _ := os.ReadFile(out.Name()); err != nil || len(said) > 0 {
		t.Errorf("the client printed\n%s(%v)", said, err)
	}
}

// askBuiltins starts a super-server and asks its own services. It runs on a
// network of its own.
func askBuiltins(conf string) error {
	server := inetd("-d", "-p", filepath.Join(filepath.Dir(conf), "pid"), conf)
	server.Stderr = os.Stdout
	if err := server.Start(); err != nil {
		return err
	}
	defer server.Process.Kill()
	for _, test := range []struct{ network, name, ask, want string }{
		{"tcp", "echo", "Why?", `^Why\?$`},
		{"tcp", "discard", "Why?", `^$`},
		{"tcp", "daytime", "", `^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\r\n$`},
		{"tcp", "time", "", `^today$`},
		{"tcp", "chargen", "", ` !"#\$%.*\r\n!"#\$%&.*\r\n`},
		{"udp", "discard", "Why?", `^$`},
		{"udp", "echo", "Why?", `^Why\?$`},
		{"udp", "daytime", "", `^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\r\n$`},
		{"udp", "time", "", `^today$`},
		{"udp", "chargen", "", ` !"#\$%.*\r\n$`},
	} {
		got, err := ask(test.network, fmt.Sprintf("127.0.0.1:%d", builtins[test.name].port), test.ask)
		if test.name == "time" {
			got = day(got)
		}
		if err != nil || !regexp.MustCompile(test.want).MatchString(got) {
			return fmt.Errorf("%s of %s answers %q (%v), want %s", test.network, test.name, got, err, test.want)
		}
	}
	// A question from a privileged port gets no answer.
	from := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 999}
	conn, err := net.DialUDP("udp", from, &net.UDPAddr{IP: from.IP, Port: builtins["echo"].port})
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.Write([]byte("x"))
	if _, err := ask("udp", "127.0.0.1:7", "then answers the next"); err != nil {
		return err
	}
	file, err := conn.File()
	if err != nil {
		return err
	}
	defer file.Close()
	if n, _, err := unix.Recvfrom(int(file.Fd()), make([]byte, 1), unix.MSG_DONTWAIT); err == nil {
		return fmt.Errorf("port 999 got an answer of %d bytes", n)
	}
	return nil
}

// day reads the answer of a time service, and returns "today" if that is what it says.
func day(answer string) string {
	if len(answer) != 4 {
		return fmt.Sprintf("%d bytes", len(answer))
	}
	begin := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	said := begin.Add(time.Duration(binary.BigEndian.Uint32([]byte(answer))) * time.Second)
	if time.Since(said).Abs() < 24*time.Hour {
		return "today"
	}
	return said.String()
}

// ask sends a question, and returns the answer: all of it, or its first 1000
// bytes.
func ask(network, address, question string) (string, error) {
	deadline := time.Now().Add(progtest.Patience)
	var conn net.Conn
	for { // a super-server does not say when it is ready
		var err error
		if conn, err = net.Dial(network, address); err == nil {
			break
		}
		if time.Now().After(deadline) {
			return "", err
		}
	}
	defer conn.Close()
	conn.SetDeadline(deadline)
	if network == "udp" && strings.HasSuffix(address, ":9") { // it answers nothing
		_, err := io.WriteString(conn, question)
		return "", err
	}
	if network == "udp" {
		buffer := make([]byte, 1000)
		io.WriteString(conn, question)
		n, err := conn.Read(buffer)
		return string(buffer[:n]), err
	}
	io.WriteString(conn, question)
	conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(io.LimitReader(conn, 1000))
	return string(answer), err
}
