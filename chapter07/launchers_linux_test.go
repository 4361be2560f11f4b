package chapter07

import (
	"bytes"
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
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/superserver"
)

// The scripts of in_zen1 and in_zen2 play the super-server. These tests run
// real super-servers.

// A launcher is a super-server in one of its modes. Its command listens at a
// port of 127.0.0.1 and starts a program of the inetd pair, which prints to
// log.
type launcher struct {
	name, mode string
	command    func(t *testing.T, port, log string) *exec.Cmd
}

var launchers = []launcher{
	{"inetd", "nowait", func(t *testing.T, port, log string) *exec.Cmd {
		return exec.Command("inetd", "-i", conf(t, inetdLine(t, "1060", port, log)))
	}},
	{"inetd", "wait", func(t *testing.T, port, log string) *exec.Cmd {
		return exec.Command("inetd", "-i", conf(t, inetdLine(t, "1061", port, log)))
	}},
	{"superserver", "nowait", func(t *testing.T, port, log string) *exec.Cmd {
		return ours(t, conf(t, inetdLine(t, "1060", port, log)))
	}},
	{"superserver", "wait", func(t *testing.T, port, log string) *exec.Cmd {
		return ours(t, conf(t, inetdLine(t, "1061", port, log)))
	}},
	{"xinetd", "wait", func(t *testing.T, port, log string) *exec.Cmd {
		service := fmt.Sprintf(`service zen
{
	type = UNLISTED
	bind = 127.0.0.1
	port = %s
	socket_type = stream
	protocol = tcp
	wait = yes
	user = %s
	server = %s
	server_args = -l %s -w 0.2
}
`, port, userName(t), program("in_zen2"), log)
		return exec.Command("xinetd", "-dontfork", "-f", conf(t, service), "-pidfile", filepath.Join(t.TempDir(), "pid"))
	}},
	{"tcpserver", "nowait", func(t *testing.T, port, log string) *exec.Cmd {
		return exec.Command("tcpserver", "-HR", "-l0", "127.0.0.1", port, program("in_zen1"), "-l", log)
	}},
	{"socat", "nowait", func(t *testing.T, port, log string) *exec.Cmd {
		return exec.Command("socat", "TCP-LISTEN:"+port+",bind=127.0.0.1,reuseaddr,fork",
			"EXEC:"+program("in_zen1")+" -l "+log+",nofork")
	}},
	{"systemd-socket-activate", "nowait", func(t *testing.T, port, log string) *exec.Cmd {
		return activate(port, "--accept", "--inetd", program("in_zen1"), "-l", log)
	}},
	{"systemd-socket-activate", "wait", func(t *testing.T, port, log string) *exec.Cmd {
		return activate(port, "--inetd", program("in_zen2"), "-l", log)
	}},
	{"systemd-socket-activate", "LISTEN_FDS", func(t *testing.T, port, log string) *exec.Cmd {
		return activate(port, program("in_zen2"), "-l", log)
	}},
}

// An inetd returns the command of a super-server that reads conf.
type inetd func(t *testing.T, conf string) *exec.Cmd

// The inetds, which all read the same configuration.
var inetds = map[string]inetd{
	"inetd":       func(t *testing.T, conf string) *exec.Cmd { return exec.Command("inetd", "-i", conf) },
	"superserver": ours,
}

// ours returns the command of our own super-server. It is this test program under
// another name.
func ours(t *testing.T, conf string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", "-i", "-p", filepath.Join(t.TempDir(), "pid"), conf)
	cmd.Args[0] = "superserver"
	return cmd
}

// superServer runs our super-server and exits, if this process was started as
// one.
func superServer() {
	if os.Args[0] == "superserver" {
		os.Exit(superserver.Main(os.Args[1:]))
	}
}

func program(name string) string { return filepath.Join(progtest.Bin(), name) }

func activate(port string, args ...string) *exec.Cmd {
	return exec.Command("systemd-socket-activate", append([]string{"-l", "127.0.0.1:" + port,
		"-E", "GOCOVERDIR=" + progtest.Coverage(), "-E", "GORACE=" + os.Getenv("GORACE")}, args...)...)
}

func userName(t *testing.T) string {
	me, err := user.Current()
	if err != nil {
		t.Skip("this user has no name: ", err)
	}
	return me.Username
}

// conf writes a configuration file and returns its path.
func conf(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// inetdLine returns the line of the repository's inetd.conf that begins with
// begins, but with the port, user and program folder of the test. It allows
// inetd to start the program as often as the test needs.
func inetdLine(t *testing.T, begins, port, log string) string {
	t.Helper()
	text, err := os.ReadFile("../inetd.conf")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if words[0] != begins {
			continue
		}
		words[0] = "127.0.0.1:" + port
		words[3] += ".100000"
		words[4] = userName(t)
		words[5] = program(words[6])
		words = append(words, "-l", log)
		if words[6] == "in_zen2" {
			words = append(words, "-w", "0.2")
		}
		return strings.Join(words, " ") + "\n"
	}
	t.Fatalf("inetd.conf has no line for port %s", begins)
	return ""
}

// TestLaunchers starts each super-server and connects three clients to it. It
// prints a table of the super-servers and modes that work, and names those that
// are not installed. CI installs all of them.
func TestLaunchers(t *testing.T) {
	matrix := map[string]string{}
	var mu sync.Mutex
	t.Cleanup(func() {
		var table strings.Builder
		for _, l := range launchers {
			fmt.Fprintf(&table, "\n%-24s %-11s %s", l.name, l.mode, matrix[l.name+" "+l.mode])
		}
		t.Log(table.String())
	})
	for _, l := range launchers {
		t.Run(l.name+"/"+l.mode, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() {
				mu.Lock()
				defer mu.Unlock()
				verdict := "works"
				if t.Skipped() {
					verdict = "not tested: there is no " + l.name
				} else if t.Failed() {
					verdict = "FAILS"
				}
				matrix[l.name+" "+l.mode] = verdict
			})
			if l.name != "superserver" {
				needs(t, l.name)
			}
			l.serves(t)
		})
	}
}

const (
	accepted = `Accepted connection from \('127.0.0.1', \d+\)\n`
	closed   = `Client socket to \('127.0.0.1', \d+\) has closed\n`
	half     = `Client \('127.0.0.1', \d+\) error: received b'Beautiful is' then socket closed\n`
)

// serves plays three clients: one asks, one asks half a question, and one says
// nothing for a while and then asks.
func (l launcher) serves(t *testing.T) {
	port, log := port(t), filepath.Join(t.TempDir(), "zen.log")
	launch(t, l.command(t, port, log))
	client := visit(t, port)
	asks(t, client)
	leaves(t, client)
	awaitLog(t, log, accepted+closed)

	client = visit(t, port)
	io.WriteString(client, "Beautiful is")
	leaves(t, client)
	awaitLog(t, log, accepted+half)

	idle := visit(t, port)
	if l.mode == "nowait" { // other clients do not wait for it
		asks(t, visit(t, port))
	}
	asks(t, idle)
}

// TestLaunchersInREADME checks that the table in the README shows the commands
// that TestLaunchers runs.
func TestLaunchersInREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	environment := regexp.MustCompile(` -E \S+`)
	for _, l := range launchers {
		cmd := l.command(t, "1060", "/tmp/zen.log")
		how := strings.Join(cmd.Args, " ")
		if l.name == "socat" { // its last argument has blanks in it
			how = strings.Replace(how, "EXEC:", `EXEC:"`, 1)
			how = strings.Replace(how, ",nofork", `",nofork`, 1)
		}
		if l.name == "inetd" || l.name == "superserver" || l.name == "xinetd" {
			for _, arg := range cmd.Args {
				if text, err := os.ReadFile(arg); err == nil {
					how = strings.Join(strings.Fields(string(text)), " ")
				}
			}
		}
		if l.name == "inetd" || l.name == "superserver" { // as it is in inetd.conf
			how, _, _ = strings.Cut(how, " -l ")
			how = strings.Replace(how, ".100000", "", 1)
			how = "106" + map[string]string{"nowait": "0", "wait": "1"}[l.mode] + how[strings.IndexByte(how, ' '):]
		}
		how = strings.ReplaceAll(how, progtest.Bin(), "")
		how = strings.Replace(environment.ReplaceAllString(how, ""), " "+userName(t)+" ", " brandon ", 1)
		if row := fmt.Sprintf("| %s | %s | `%s`", l.name, l.mode, how); !strings.Contains(string(readme), row) {
			t.Errorf("README.md has no row\n%s", row)
		}
	}
}

// eachInetd runs a test with each inetd.
func eachInetd(t *testing.T, test func(t *testing.T, inetd inetd)) {
	t.Parallel()
	for name, inetd := range inetds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "inetd" {
				needs(t, name)
			}
			test(t, inetd)
		})
	}
}

// TestInetdRespawns connects 24 times just as in_zen2 exits because no client
// has come. Inetd starts it again, and no client is lost.
func TestInetdRespawns(t *testing.T) { eachInetd(t, respawns) }

func respawns(t *testing.T, inetd inetd) {
	port, log := port(t), filepath.Join(t.TempDir(), "zen.log")
	launch(t, inetd(t, conf(t, inetdLine(t, "1061", port, log))))
	for n := range 24 {
		progtest.Until(t, "in_zen2 is about to exit", func() bool {
			text, _ := os.ReadFile(log)
			return bytes.Count(text, []byte("; shutting down\n")) == n
		})
		client := visit(t, port)
		asks(t, client)
		leaves(t, client)
	}
}

// TestInetdReloads appends a service to inetd's configuration. The service is
// available after SIGHUP, the signal that "reload" sends.
func TestInetdReloads(t *testing.T) { eachInetd(t, reloads) }

func reloads(t *testing.T, inetd inetd) {
	first, second, log := port(t), port(t), filepath.Join(t.TempDir(), "zen.log")
	path := conf(t, inetdLine(t, "1060", first, log))
	server := inetd(t, path)
	launch(t, server)
	asks(t, visit(t, first))
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, inetdLine(t, "1061", second, log))
	file.Close()
	server.Process.Signal(syscall.SIGHUP)
	asks(t, visit(t, second))
	asks(t, visit(t, first))
}

// TestInetdRefused makes inetd pass the wrong socket. For each client, or each
// datagram, inetd starts the program once, and not again and again.
func TestInetdRefused(t *testing.T) { eachInetd(t, refused) }

func refused(t *testing.T, inetd inetd) {
	for name, test := range map[string]struct{ program, service string }{
		"in_zen1/listener":   {"in_zen1", "stream tcp wait.100000"},
		"in_zen2/connection": {"in_zen2", "stream tcp nowait.100000"},
		"in_zen1/datagrams":  {"in_zen1", "dgram udp wait.100000"},
		"in_zen2/datagrams":  {"in_zen2", "dgram udp wait.100000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := strings.Fields(test.service)[1]
			wrong, right, log := port(t), port(t), filepath.Join(t.TempDir(), "zen.log")
			if network == "udp" {
				wrong = portUDP(t)
			}
			launch(t, inetd(t, conf(t, fmt.Sprintf(
				"127.0.0.1:%s %s %s %s %s -l %s\n", wrong, test.service,
				userName(t), program(test.program), test.program, log)+
				inetdLine(t, "1060", right, "/dev/null"))))
			visit(t, right) // so inetd has opened the first service as well
			lines := func() int {
				text, _ := os.ReadFile(log)
				return bytes.Count(text, []byte("\n"))
			}
			for n := range 5 {
				conn, err := net.Dial(network, "127.0.0.1:"+wrong)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				io.WriteString(conn, "Why?")
				progtest.Until(t, fmt.Sprintf("the log has line %d", n+1), func() bool { return lines() == n+1 })
				for range 3 { // give inetd time to start the program again
					asks(t, visit(t, right))
				}
			}
			if n := lines(); n != 5 {
				t.Errorf("%d lines in the log after 5 clients", n)
			}
		})
	}
}

// portUDP returns a UDP port that no other program gets while the test runs.
// The socket that reserves it is connected, so it receives nothing that is
// meant for the service.
func portUDP(t *testing.T) string {
	t.Helper()
	dialer := net.Dialer{
		LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)},
		Control: func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
			})
		},
	}
	conn, err := dialer.Dial("udp", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return progtest.PortOf(conn.LocalAddr())
}

func needs(t *testing.T, program string) {
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(err)
	}
}

// launch starts a super-server, which is stopped when the test ends.
func launch(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second // programs that it has started may outlive it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s printed:\n%s", cmd, &said)
		}
	})
}

// visit connects to a super-server as soon as it listens. It has to keep
// trying, because a super-server does not say when it is ready.
func visit(t *testing.T, port string) (client *net.TCPConn) {
	t.Helper()
	progtest.Until(t, "port "+port+" accepts connections", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(progtest.Patience))
		client = conn.(*net.TCPConn)
		return true
	})
	return client
}

// asks asks a question, which must get its answer.
func asks(t *testing.T, client net.Conn) {
	t.Helper()
	io.WriteString(client, "Simple is better than?")
	answer := make([]byte, len("Complex."))
	if _, err := io.ReadFull(client, answer); err != nil || string(answer) != "Complex." {
		t.Errorf("the client heard %q, %v", answer, err)
	}
}

// leaves shuts down the client's side. The server must close the connection and
// send nothing.
func leaves(t *testing.T, client *net.TCPConn) {
	t.Helper()
	client.CloseWrite()
	rest, err := io.ReadAll(client)
	if len(rest) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client heard %q, %v", rest, err)
	}
}

// port returns a TCP port that no other program gets while the test runs.
func port(t *testing.T) string {
	t.Helper()
	port, release, err := progtest.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// awaitLog waits until a log exists and matches pattern.
func awaitLog(t *testing.T, log, pattern string) {
	t.Helper()
	progtest.Until(t, log+" has "+pattern, func() bool {
		text, _ := os.ReadFile(log)
		return regexp.MustCompile(pattern).Match(text)
	})
}
