package services_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netlab/services"
	"fopnp/internal/serve/child"
)

// An sshServer is an SSH server at a port of loopback.
type sshServer struct {
	*services.SSH
	port string
	home string // of the account brandon
	keys string // a folder with the files of a client
}

// startSSH starts an SSH server. Its account brandon has this process's user
// and group. The functions may change the server first.
func startSSH(t testing.TB, change ...func(*sshServer)) *sshServer {
	t.Helper()
	s := &sshServer{home: t.TempDir(), keys: t.TempDir()}
	shell, err := exec.LookPath("bash")
	if err != nil {
		shell = "/bin/sh"
	}
	s.SSH = &services.SSH{
		Identity: identity,
		Accounts: []services.Account{{Name: "brandon", Home: s.home, Shell: shell,
			UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}},
		Spawn: spawn,
		Env:   []string{"PATH=" + os.Getenv("PATH"), becomes + "=sftp-server"},
		SFTP:  []string{"/proc/self/exe"},
	}
	for _, change := range change {
		change(s)
	}
	l := listen(t)
	s.port = progtest.PortOf(l.Addr())
	serving(t, func() error { return s.Serve(l) }, func() { l.Close() })
	write(t, s.home, ".profile", "PS1='$ '\n", 0o644)
	private, _ := identity.UserKeys()
	write(t, s.keys, "id_ed25519", string(private), 0o600)
	write(t, s.keys, "known_hosts", string(identity.KnownHosts()), 0o644)
	return s
}

// openSSH returns a command that runs a program of OpenSSH with the options
// that the server needs, and without those of this machine.
func (s *sshServer) openSSH(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	port := "-p"
	if name != "ssh" {
		port = "-P"
	}
	options := []string{"-F", "/dev/null", port, s.port, "-i", s.keys + "/id_ed25519",
		"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "LogLevel=ERROR",
		"-o", "UserKnownHostsFile=" + s.keys + "/known_hosts", "-o", "GlobalKnownHostsFile=/dev/null"}
	return exec.Command(real(t, name), append(options, args...)...)
}

// dial logs in as brandon.
func (s *sshServer) dial(t testing.TB, auth ...ssh.AuthMethod) (*ssh.Client, error) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+s.port)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(child.Patience))
	c, channels, requests, err := ssh.NewClientConn(conn, "", &ssh.ClientConfig{
		User: "brandon", Auth: auth, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		conn.Close()
		return nil, err
	}
	client := ssh.NewClient(c, channels, requests)
	t.Cleanup(func() { client.Close() })
	return client, nil
}

func (s *sshServer) mustDial(t testing.TB) *ssh.Client {
	t.Helper()
	client, err := s.dial(t, ssh.Password(services.Password))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// session opens a session of a new client.
func (s *sshServer) session(t testing.TB) (*ssh.Client, *ssh.Session) {
	t.Helper()
	client := s.mustDial(t)
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	return client, session
}

// A real ssh logs in with the playground's key. Commands get stdin, write to
// both outputs, and have their statuses reported.
func TestSSHCommands(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	ssh := func(command ...string) *exec.Cmd {
		return s.openSSH(t, "ssh", append([]string{"brandon@127.0.0.1"}, command...)...)
	}
	cat := ssh("cat; echo done >&2")
	cat.Stdin = strings.NewReader(strings.Repeat("a line\n", 100_000))
	if got := run(t, cat, 0, "done\n"); got != strings.Repeat("a line\n", 100_000) {
		t.Errorf("cat returned %d bytes", len(got))
	}
	run(t, ssh("exit 42"), 42, "")
	run(t, ssh("kill -9 $$"), 255, "") // ssh's status for any signal
	env := strings.Fields(run(t, ssh("pwd; echo $HOME $USER $LOGNAME $SHELL $SSH_CONNECTION; tty"), 1, ""))
	want := []string{s.home, s.home, "brandon", "brandon", s.Accounts[0].Shell, "127.0.0.1", "PORT", "127.0.0.1", s.port, "not", "a", "tty"}
	if len(env) == len(want) {
		env[6] = "PORT" // the client's, which may be any
	}
	if !slices.Equal(env, want) {
		t.Errorf("got %q, want %q", env, want)
	}
}

// Only a password or the playground's key lets a client in.
func TestSSHLogin(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	stranger, err := services.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	key := func(id *services.Identity) ssh.AuthMethod {
		private, _ := id.UserKeys()
		signer, err := ssh.ParsePrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return ssh.PublicKeys(signer)
	}
	for name, test := range map[string]struct {
		auth ssh.AuthMethod
		ok   bool
	}{
		"password":       {ssh.Password(services.Password), true},
		"key":            {key(identity), true},
		"wrong password": {ssh.Password("abc1234"), false},
		"no password":    {ssh.Password(""), false},
		"another key":    {key(stranger), false},
	} {
		if _, err := s.dial(t, test.auth); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.dial(t); err == nil {
		t.Error("a client logged in without a proof")
	}
	run(t, s.openSSH(t, "ssh", "-o", "BatchMode=yes", "eve@127.0.0.1", "true"), 255, "Permission denied")
	run(t, s.openSSH(t, "ssh", "-o", "BatchMode=yes", "-o", "PreferredAuthentications=none", "brandon@127.0.0.1", "true"), 255, "Permission denied")
}

// A signal from the client reaches the process group, and the server reports
// that a signal ended the command.
func TestSSHSignals(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	_, session := s.session(t)
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("echo ready; exec sleep 1000"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if err := session.Signal(ssh.SIGTERM); err != nil {
		t.Fatal(err)
	}
	exit, ok := errors.AsType[*ssh.ExitError](session.Wait())
	if !ok || exit.Signal() != "TERM" || exit.ExitStatus() != 128+15 {
		t.Errorf("got %v", exit)
	}
}

// When a client disconnects without notice, its command and all processes that
// the command has started get SIGHUP.
func TestSSHClientHangsUp(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	for name, atTerminal := range map[string]bool{"terminal": true, "pipes": false} {
		client, session := s.session(t)
		if atTerminal {
			if err := session.RequestPty("dumb", 24, 80, nil); err != nil {
				t.Fatal(err)
			}
		}
		out, err := session.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Start("sleep 1000 & echo $$ $!; wait"); err != nil {
			t.Fatal(err)
		}
		var pids [2]int
		if _, err := fmt.Fscan(out, &pids[0], &pids[1]); err != nil {
			t.Fatal(err)
		}
		client.Close()
		for _, pid := range pids {
			progtest.Until(t, "a process has gone ("+name+")", func() bool {
				status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
				return err != nil || bytes.Contains(status, []byte(") Z ")) // no parent may wait for orphans
			})
		}
	}
}

// A shell's terminal has the size of the client's and follows its changes. None
// of its output is lost at the end. A background job does not keep the session
// open.
func TestSSHTerminal(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	_, session := s.session(t)
	if err := session.RequestPty("vt100", 40, 100, nil); err != nil {
		t.Fatal(err)
	}
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := session.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	screen := &transcript{r: out}
	io.WriteString(in, "stty size; echo $TERM $0\r")
	screen.waitFor(t, "40 100\r\nvt100 -"+filepath.Base(s.Accounts[0].Shell)+"\r\n")
	if err := session.WindowChange(50, 120); err != nil {
		t.Fatal(err)
	}
	// The new size may arrive after what we type.
	io.WriteString(in, "until [ \"$(stty size)\" = '50 120' ]; do :; done; stty size\r")
	screen.waitFor(t, "50 120\r\n")
	io.WriteString(in, "sh -c 'echo as\"\"leep; exec sleep 1000'\r")
	screen.waitFor(t, "asleep\r\n")
	io.WriteString(in, "\x03echo status $?\r")
	screen.waitFor(t, "status 130\r\n")
	io.WriteString(in, "(trap '' HUP; exec sleep 1000) & echo pid=$!=\r")
	screen.waitFor(t, "\r\npid=")
	pid, _, _ := strings.Cut(screen.waitFor(t, "=\r\n"), "=")
	job, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(job, syscall.SIGKILL)
	io.WriteString(in, "seq 10000; exit 7\r")
	screen.waitFor(t, "\r\n10000\r\n")
	if exit, ok := errors.AsType[*ssh.ExitError](session.Wait()); !ok || exit.ExitStatus() != 7 {
		t.Errorf("got %v", exit)
	}
}

// The client gets everything that a program wrote to its terminal before it
// ended, even if the client reads it only later.
func TestSSHTerminalDrained(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	_, session := s.session(t)
	if err := session.RequestPty("dumb", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	// More than a client buffers when it does not read, but not more than that
	// and the kernel's buffer together.
	const size = 2<<20 + 9000
	if err := session.Start(fmt.Sprintf("echo $$; exec head -c %d /dev/zero", size)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(line)
	progtest.Until(t, "the program has ended", func() bool {
		_, err := os.Stat("/proc/" + pid)
		return err != nil
	})
	if n, err := io.Copy(io.Discard, r); err != nil || n != size {
		t.Errorf("received %d bytes of %d, %v", n, size, err)
	}
}

// A transcript is what a program prints.
type transcript struct {
	r    io.Reader
	text []byte // what was read and not yet waited for
}

// waitFor waits until the program prints want. It returns what came before it,
// with want.
func (s *transcript) waitFor(t testing.TB, want string) string {
	t.Helper()
	buffer := make([]byte, 4096)
	for {
		if i := bytes.Index(s.text, []byte(want)); i >= 0 {
			i += len(want)
			defer func() { s.text = s.text[i:] }()
			return string(s.text[:i])
		}
		n, err := s.r.Read(buffer)
		s.text = append(s.text, buffer[:n]...)
		if err != nil && n == 0 {
			t.Fatalf("waiting for %q: %v after %q", want, err, s.text)
		}
	}
}

// One session runs one program.
func TestSSHOneProgram(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	client := s.mustDial(t)
	channel, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(requests)
	for i, want := range []bool{true, false} {
		ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{"cat"}))
		if err != nil || ok != want {
			t.Errorf("%d: %v, %v", i, ok, err)
		}
	}
	if ok, err := channel.SendRequest("auth-agent-req@openssh.com", true, nil); ok || err != nil {
		t.Errorf("agent: %v, %v", ok, err)
	}
	if ok, err := channel.SendRequest("window-change", true, []byte("short")); ok || err != nil {
		t.Errorf("window-change: %v, %v", ok, err)
	}
}

// A connection holds a limited number of channels. More are refused until one
// is free.
func TestSSHChannels(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	client := s.mustDial(t)
	var open []ssh.Channel
	for {
		channel, requests, err := client.OpenChannel("session", nil)
		if refused, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
			if refused.Reason != ssh.ResourceShortage {
				t.Error(refused)
			}
			break
		} else if err != nil {
			t.Fatal(err)
		}
		go ssh.DiscardRequests(requests)
		if open = append(open, channel); len(open) > 1000 {
			t.Fatal("there is no limit")
		}
	}
	open[0].Close()
	progtest.Until(t, "a channel is free", func() bool {
		_, requests, err := client.OpenChannel("session", nil)
		if err == nil {
			go ssh.DiscardRequests(requests)
		}
		return err == nil
	})
	if _, _, err := client.OpenChannel("x11", nil); err == nil {
		t.Error("the server opens channels of any type")
	}
}

// A program that cannot be started has the status 127 and says why.
func TestSSHNoShell(t *testing.T) {
	t.Parallel()
	s := startSSH(t, func(s *sshServer) { s.Accounts[0].Shell = "/nowhere/sh" })
	for _, terminal := range []string{"-T", "-tt"} {
		cmd := s.openSSH(t, "ssh", terminal, "brandon@127.0.0.1", "true")
		run(t, cmd, 127, "/nowhere/sh: no such file or directory")
	}
}

// A client can set only LANG and the LC_ variables, and only so many.
func TestSSHEnvironment(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	_, session := s.session(t)
	for name, want := range map[string]bool{"LANG": true, "LC_TIME": true, "PATH": false, "LD_PRELOAD": false} {
		if err := session.Setenv(name, "C"); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	out, err := session.Output("echo $LANG $LC_TIME; test \"$PATH\" != C")
	if err != nil || string(out) != "C C\n" {
		t.Errorf("got %q, %v", out, err)
	}
	_, session = s.session(t)
	for i := range 1000 {
		if session.Setenv("LC_"+strconv.Itoa(i), "C") != nil {
			return
		}
	}
	t.Error("there is no limit")
}

// ssh -L reaches other servers, in both directions and with half-closes.
func TestSSHForward(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	client := s.mustDial(t)
	listener, port := progtest.Listen(t)
	conn, err := client.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	server := progtest.Accept(t, listener)
	io.WriteString(conn, "question")
	conn.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := io.ReadAll(server); err != nil || string(got) != "question" {
		t.Errorf("the server received %q, %v", got, err)
	}
	io.WriteString(server, "answer")
	server.Close()
	if got, err := io.ReadAll(conn); err != nil || string(got) != "answer" {
		t.Errorf("the client received %q, %v", got, err)
	}
	listener.Close()
	if _, err := client.Dial("tcp", "127.0.0.1:1"); err == nil { // another test might have port by now
		t.Error("a server that is not there accepts")
	}
	// when a client leaves, its forwarded connections end
	listener, port = progtest.Listen(t)
	if _, err := client.Dial("tcp", "127.0.0.1:"+port); err != nil {
		t.Fatal(err)
	}
	server = progtest.Accept(t, listener)
	client.Close()
	if n, err := server.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the server received %d bytes, %v", n, err)
	}
}

// If the server is root, an account's programs run with the account's rights.
func TestSSHRights(t *testing.T) {
	t.Parallel()
	needOtherUsers(t)
	s := startSSH(t, func(s *sshServer) { s.Accounts[0].UID, s.Accounts[0].GID = 65534, 65533 })
	cmd := s.openSSH(t, "ssh", "brandon@127.0.0.1", "id -u; id -g; id -G; pwd")
	if got := run(t, cmd, 0, ""); got != "65534\n65533\n65533\n/\n" { // its home belongs to this user, so it runs in /
		t.Errorf("got %q", got)
	}
	cmd = s.openSSH(t, "ssh", "-tt", "brandon@127.0.0.1", "stat -c %u $(tty); echo hello >$(tty)")
	if got := run(t, cmd, 0, ""); got != "65534\r\nhello\r\n" {
		t.Errorf("got %q", got)
	}
}

// Clients that are not SSH clients disturb neither the others nor the server's
// shutdown.
func TestSSHStrangers(t *testing.T) {
	t.Parallel()
	stay(t)
	s := startSSH(t)
	for _, text := range []string{"", "GET / HTTP/1.1\r\n\r\n", "SSH-2.0-half", "SSH-2.0-x\r\n\x00\x00\x00", "SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff"} {
		io.WriteString(dial(t, "127.0.0.1:"+s.port), text)
	}
	_, session := s.session(t)
	if out, err := session.Output("echo hello"); err != nil || string(out) != "hello\n" {
		t.Errorf("got %q, %v", out, err)
	}
}
