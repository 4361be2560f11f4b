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
)

// A handed is a program of the inetd pair that was started as a super-server
// would: its descriptors 0, 1 and 2 are a socket.
type handed struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  string // a file
	done chan error
}

// hand starts a program with a socket, and closes the socket here. If log is
// empty, it is a new file.
func hand(t *testing.T, socket *os.File, log, program string, args ...string) *handed {
	t.Helper()
	if log == "" {
		log = filepath.Join(t.TempDir(), "zen.log")
	}
	cmd := exec.Command(filepath.Join(progtest.Bin(), program), append([]string{"-l", log}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, socket
	return handedBy(t, cmd, socket, log)
}

// handListenFDs is hand as systemd does it: the socket is descriptor 3.
func handListenFDs(t *testing.T, socket *os.File, program string, args ...string) *handed {
	t.Helper()
	log := filepath.Join(t.TempDir(), "zen.log")
	return handedBy(t, listenFDs("$$", socket, log, program, args...), socket, log)
}

// listenFDs is the command of a program whose descriptor 3 is a socket, for the
// process with the number pid: $$ is its own.
func listenFDs(pid string, socket *os.File, log, program string, args ...string) *exec.Cmd {
	cmd := exec.Command("sh", append([]string{"-c", "LISTEN_PID=" + pid + ` LISTEN_FDS=1 exec "$0" "$@"`,
		filepath.Join(progtest.Bin(), program), "-l", log}, args...)...)
	cmd.ExtraFiles = []*os.File{socket}
	return cmd
}

func handedBy(t *testing.T, cmd *exec.Cmd, socket *os.File, log string) *handed {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	socket.Close()
	h := &handed{t, cmd, log, make(chan error, 1)}
	go func() { h.done <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill() })
	return h
}

// ends waits until the program has ended, with the given status.
func (h *handed) ends(status int) {
	h.t.Helper()
	select {
	case <-h.done:
	case <-time.After(progtest.Patience):
		h.t.Fatalf("%s does not end", h.cmd)
	}
	if got := h.cmd.ProcessState.ExitCode(); got != status {
		h.t.Errorf("status %d, want %d", got, status)
	}
}

// logs wants the program's log to match, from its beginning to its end.
func (h *handed) logs(pattern string) {
	h.t.Helper()
	text, err := os.ReadFile(h.log)
	if err != nil || !regexp.MustCompile("^(?:"+pattern+")$").Match(text) {
		h.t.Errorf("the log is %q, %v, want %s", text, err, pattern)
	}
}

// A pair is a conversation on this machine: the client's end, and the one that
// a super-server would hand over.
func pair(t *testing.T, host string) (client *net.TCPConn, handed *os.File) {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn), blockingFile(t, accepted.(*net.TCPConn))
}

// listen opens a listener as a super-server has it.
func listen(t *testing.T) (address string, handed *os.File) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String(), blockingFile(t, listener.(*net.TCPListener))
}

// keep is a descriptor of a socket that stays open here, as a super-server's does.
func keep(t *testing.T, socket *os.File) (fd int) {
	t.Helper()
	fd, err := unix.FcntlInt(socket.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// stillBlocks wants a descriptor that was kept to be blocking.
func stillBlocks(t *testing.T, fd int) {
	t.Helper()
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("the parent's descriptor is not blocking any more (%#x, %v)", flags, err)
	}
}

// blockingFile is a descriptor of a socket, which is blocking, as those of
// super-servers are.
func blockingFile(t *testing.T, socket interface{ File() (*os.File, error) }) *os.File {
	file, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	file.Fd() // makes it blocking
	return file
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// asked asks a question and wants its answer.
func asked(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	io.WriteString(conn, "Simple is better than?")
	answer := make([]byte, len("Complex."))
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "Complex." {
		t.Errorf("heard %q, %v", answer, err)
	}
}

// silence wants nothing to come but the end.
func silence(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	rest, err := io.ReadAll(conn)
	if len(rest) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client heard %q, %v", rest, err)
	}
}

const (
	accepted = `Accepted connection from \('127.0.0.1', \d+\)\n`
	closed   = `Client socket to \('127.0.0.1', \d+\) has closed\n`
	left     = `Waited [\d.]+ seconds with no further connections; shutting down\n`
)

// TestHanded has no super-server: it starts the pair with what one hands over.
func TestHanded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T){
		"conversation": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, "", "in_zen1")
			asked(t, client)
			client.CloseWrite()
			silence(t, client)
			p.ends(0)
			p.logs(accepted + closed)
		},
		"half a question": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, "", "in_zen1")
			io.WriteString(client, "Beautiful is")
			client.CloseWrite()
			silence(t, client)
			p.ends(0)
			p.logs(accepted + `Client \('127.0.0.1', \d+\) error: received b'Beautiful is' then socket closed\n`)
		},
		"killed client": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, "", "in_zen1")
			asked(t, client)
			client.SetLinger(0)
			client.Close()
			p.ends(0)
			p.logs(accepted + `Client \('127.0.0.1', \d+\) error: connection reset by peer\n`)
		},
		"silent client": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, "", "in_zen1", "-t", "0.2")
			silence(t, client)
			p.ends(0)
			p.logs(accepted + `Client \('127.0.0.1', \d+\) error: timed out\n`)
		},
		"IPv6": func(t *testing.T) {
			client, socket := pair(t, "::1")
			p := hand(t, socket, "", "in_zen1")
			asked(t, client)
			client.Close()
			p.ends(0)
			p.logs(`Accepted connection from \('::1', \d+, 0, 0\)\nClient socket to \('::1', \d+, 0, 0\) has closed\n`)
		},
		"Unix": func(t *testing.T) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			end := os.NewFile(uintptr(fds[0]), "client")
			client, err := net.FileConn(end)
			if err != nil {
				t.Fatal(err)
			}
			end.Close()
			p := hand(t, os.NewFile(uintptr(fds[1]), "server"), "", "in_zen1")
			asked(t, client)
			client.Close()
			p.ends(0)
			p.logs(`Accepted connection from ''\nClient socket to '' has closed\n`)
		},
		"closed once": func(t *testing.T) { // the FIN waits for no other descriptor
			client, socket := pair(t, "127.0.0.1")
			name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", socket.Fd()))
			if err != nil {
				t.Fatal(err)
			}
			p := hand(t, socket, "", "in_zen1")
			asked(t, client)
			sockets := 0
			folder := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
			entries, err := os.ReadDir(folder)
			for _, entry := range entries {
				target, _ := os.Readlink(filepath.Join(folder, entry.Name()))
				if target == name {
					sockets++
				}
			}
			if sockets != 1 {
				t.Errorf("it has the socket %d times, %v", sockets, err)
			}
			client.Close()
			p.ends(0)
		},
		"blocking again": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			ours := keep(t, socket)
			p := hand(t, socket, "", "in_zen1")
			asked(t, client)
			client.CloseWrite()
			p.ends(0)
			stillBlocks(t, ours)
		},
		"listener blocking again": func(t *testing.T) {
			_, socket := listen(t)
			ours := keep(t, socket)
			hand(t, socket, "", "in_zen2", "-w", "0.1").ends(0)
			stillBlocks(t, ours)
		},
		"listener blocking again after a stop": func(t *testing.T) {
			address, socket := listen(t)
			client := dial(t, address)
			ours := keep(t, socket)
			p := hand(t, socket, "", "in_zen2")
			asked(t, client)
			p.cmd.Process.Signal(syscall.SIGTERM)
			silence(t, client)
			p.ends(0)
			p.logs(accepted + closed)
			stillBlocks(t, ours)
		},
		"Unix listener": func(t *testing.T) { // which is the super-server's to remove
			path := filepath.Join(t.TempDir(), "zen")
			listener, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			client, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			p := hand(t, blockingFile(t, listener.(*net.UnixListener)), "", "in_zen2", "-w", "0.1")
			asked(t, client)
			client.Close()
			p.ends(0)
			p.logs(`Accepted connection from ''\nClient socket to '' has closed\n` + left)
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		},
		"wrong call": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, "", "in_zen1", "-x")
			silence(t, client)
			p.ends(2)
		},
		"runtime message": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, "", "in_zen1")
			asked(t, client)
			p.cmd.Process.Signal(syscall.SIGQUIT)
			silence(t, client)
			p.ends(2)
			p.logs(accepted + `(?s:SIGQUIT: quit\n.*)`)
		},
		"stop": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, "", "in_zen1")
			asked(t, client)
			p.cmd.Process.Signal(syscall.SIGTERM)
			silence(t, client)
			p.ends(0)
			p.logs(accepted + closed)
		},
		"planted link": func(t *testing.T) {
			folder := t.TempDir()
			precious, link := filepath.Join(folder, "precious"), filepath.Join(folder, "zen.log")
			if err := errors.Join(os.WriteFile(precious, nil, 0o666), os.Symlink(precious, link)); err != nil {
				t.Fatal(err)
			}
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, link, "in_zen1")
			asked(t, client)
			client.Close()
			p.ends(0)
			p.logs("") // what the link leads to
		},
		"no log": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, filepath.Join(t.TempDir(), "nosuch", "zen.log"), "in_zen1")
			asked(t, client)
			client.CloseWrite()
			silence(t, client)
			p.ends(0)
		},
		"a log that was begun": func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "zen.log")
			if err := os.WriteFile(log, []byte("earlier\n"), 0o666); err != nil {
				t.Fatal(err)
			}
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, log, "in_zen1")
			asked(t, client)
			client.CloseWrite()
			p.ends(0)
			p.logs("earlier\n" + accepted + closed)
		},
		"a pipe for a log": func(t *testing.T) {
			pipe := filepath.Join(t.TempDir(), "zen.log")
			if err := unix.Mkfifo(pipe, 0o666); err != nil {
				t.Fatal(err)
			}
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, pipe, "in_zen1")
			asked(t, client)
			client.Close()
			p.ends(0)
		},
		"one after the other": func(t *testing.T) {
			address, socket := listen(t)
			clients := []*net.TCPConn{dial(t, address), dial(t, address)}
			p := hand(t, socket, "", "in_zen2", "-w", "0.3")
			for _, client := range clients {
				asked(t, client)
				client.CloseWrite()
				silence(t, client)
			}
			p.ends(0)
			p.logs(accepted + closed + accepted + closed + left)
		},
		"eight seconds": func(t *testing.T) {
			if progtest.Race {
				t.Skip("tested without the race detector")
			}
			_, socket := listen(t)
			p := hand(t, socket, "", "in_zen2")
			p.ends(0)
			p.logs("Waited 8 seconds with no further connections; shutting down\n")
		},
		"listener where a conversation belongs": func(t *testing.T) {
			address, socket := listen(t)
			client := dial(t, address)
			ours := keep(t, socket)
			p := hand(t, socket, "", "in_zen1")
			silence(t, client)
			p.ends(1)
			p.logs(`in_zen1: descriptor 0: is a listener, [^\n]*\n`)
			ready := []unix.PollFd{{Fd: int32(ours), Events: unix.POLLIN}}
			if n, _ := unix.Poll(ready, 0); n != 0 {
				t.Error("a super-server would start it again at once")
			}
			stillBlocks(t, ours)
		},
		"conversation where a listener belongs": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := hand(t, socket, "", "in_zen2")
			silence(t, client)
			p.ends(1)
			p.logs(`in_zen2: descriptor 0: is a conversation, [^\n]*\n`)
		},
		"LISTEN_FDS/nowait": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			p := handListenFDs(t, socket, "in_zen1")
			asked(t, client)
			client.CloseWrite()
			silence(t, client)
			p.ends(0)
			p.logs(accepted + closed)
		},
		"LISTEN_FDS/wait": func(t *testing.T) {
			address, socket := listen(t)
			client := dial(t, address)
			p := handListenFDs(t, socket, "in_zen2", "-w", "0.3")
			asked(t, client)
			client.CloseWrite()
			silence(t, client)
			p.ends(0)
			p.logs(accepted + closed + left)
		},
		"LISTEN_FDS/no log": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			cmd := listenFDs("$$", socket, "/nosuch/zen.log", "in_zen1")
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			p := handedBy(t, cmd, socket, "")
			asked(t, client)
			client.CloseWrite()
			silence(t, client)
			p.ends(0)
			if want := "in_zen1: log to /nosuch/zen.log: no such file or directory\n"; stderr.String() != want {
				t.Errorf("stderr is %q, want %q", &stderr, want)
			}
		},
		"LISTEN_FDS/in every place": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			cmd := listenFDs("$$", socket, "/nosuch/zen.log", "in_zen1")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, socket
			p := handedBy(t, cmd, socket, "")
			asked(t, client)
			client.CloseWrite()
			silence(t, client)
			p.ends(0)
		},
		"LISTEN_FDS/for another process": func(t *testing.T) {
			client, socket := pair(t, "127.0.0.1")
			other, otherSocket := pair(t, "127.0.0.1")
			defer otherSocket.Close()
			log := filepath.Join(t.TempDir(), "zen.log")
			cmd := listenFDs("1", otherSocket, log, "in_zen1")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, socket
			p := handedBy(t, cmd, socket, log)
			io.WriteString(other, "Simple is better than?")
			asked(t, client)
			client.CloseWrite()
			silence(t, client)
			p.ends(0)
			p.logs(accepted + closed)
			otherSocket.Close()
			silence(t, other)
		},
		"no socket": func(t *testing.T) {
			var stderr bytes.Buffer
			cmd := exec.Command(filepath.Join(progtest.Bin(), "in_zen1"))
			cmd.Stderr = &stderr
			err := cmd.Run()
			if want := "in_zen1: stdin: not a socket; inetd starts this program\n"; err == nil || stderr.String() != want {
				t.Errorf("%v, %q, want %q", err, &stderr, want)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// A launcher is a super-server in one of its modes.
type launcher struct {
	name, mode string
	command    func(t *testing.T, port, log string) *exec.Cmd
}

// launchers are the matrix of what is tested with whom.
var launchers = []launcher{
	{"inetd", "nowait", func(t *testing.T, port, log string) *exec.Cmd {
		return exec.Command("inetd", "-i", conf(t, inetdLine(t, "1060", port, log)))
	}},
	{"inetd", "wait", func(t *testing.T, port, log string) *exec.Cmd {
		return exec.Command("inetd", "-i", conf(t, inetdLine(t, "1061", port, log)))
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

func program(name string) string { return filepath.Join(progtest.Bin(), name) }

func activate(port string, args ...string) *exec.Cmd {
	return exec.Command("systemd-socket-activate", append([]string{"-l", "127.0.0.1:" + port,
		"-E", "GOCOVERDIR=" + progtest.Coverage(), "-E", "GORACE=" + os.Getenv("GORACE")}, args...)...)
}

func userName(t *testing.T) string {
	me, err := user.Current()
	if err != nil {
		t.Skip("we have no name: ", err)
	}
	return me.Username
}

// conf writes a configuration file.
func conf(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// inetdLine is the line of the repository's inetd.conf that begins with a port,
// but at another one, for the current user, with the program where it is, and so
// that inetd may start it as often as a test likes.
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

// launch starts a super-server that is stopped when the test ends, and returns
// where it listens, once it does.
func launch(t *testing.T, cmd *exec.Cmd, port string) (address string) {
	t.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second // what it has started may outlive it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd, &said)
		}
	})
	return "127.0.0.1:" + port
}

// visit connects to a super-server, which announces nothing, as soon as it can.
func visit(t *testing.T, address string) (client *net.TCPConn) {
	t.Helper()
	until(t, address+" accepts connections", func() bool {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		t.Cleanup(func() { conn.Close() })
		client = conn.(*net.TCPConn)
		return true
	})
	return client
}

// until waits for what can only be looked at, again and again.
func until(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	patience := time.After(progtest.Patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !isTrue() {
		select {
		case <-tick.C:
		case <-patience:
			t.Fatalf("it never came that %s", what)
		}
	}
}

// port is one that nobody else will be given while the test runs.
func port(t *testing.T) string {
	t.Helper()
	port, release, err := progtest.ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// awaitLog waits until a log matches.
func awaitLog(t *testing.T, log, pattern string) {
	t.Helper()
	until(t, log+" has "+pattern, func() bool {
		text, _ := os.ReadFile(log) // there is none before the first client
		return regexp.MustCompile(pattern).Match(text)
	})
}

// TestLaunchers has real super-servers start the pair, and prints the matrix of
// who starts what in which mode. CI installs them; one that is missing is named.
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
			if _, err := exec.LookPath(l.name); err != nil {
				t.Skip(err)
			}
			l.serves(t)
		})
	}
}

// What the README says of each launcher is what is tested.
func TestLaunchersInREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	environment := regexp.MustCompile(` -E \S+`)
	for _, l := range launchers {
		cmd := l.command(t, "1060", "/tmp/zen.log")
		how := strings.Join(cmd.Args, " ")
		if l.name == "inetd" || l.name == "xinetd" {
			for _, arg := range cmd.Args {
				if text, err := os.ReadFile(arg); err == nil {
					how = strings.Join(strings.Fields(string(text)), " ")
				}
			}
		}
		if l.name == "inetd" { // as it is in inetd.conf
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

// serves plays three clients: one who asks, one who asks half, and one who says
// nothing for a while and then asks.
func (l launcher) serves(t *testing.T) {
	port, log := port(t), filepath.Join(t.TempDir(), "zen.log")
	address := launch(t, l.command(t, port, log), port)
	client := visit(t, address)
	asked(t, client)
	client.CloseWrite()
	silence(t, client)
	awaitLog(t, log, accepted+closed)

	client = visit(t, address)
	io.WriteString(client, "Beautiful is")
	client.CloseWrite()
	silence(t, client)
	awaitLog(t, log, accepted+`Client \('127.0.0.1', \d+\) error: received b'Beautiful is' then socket closed\n`)

	idle := visit(t, address)
	if l.mode == "nowait" { // others do not wait for it
		asked(t, visit(t, address))
	}
	asked(t, idle)
}

// in_zen2 leaves when nobody comes, and inetd starts the next one: of those who
// come at that very moment none is lost.
func TestInetdRespawns(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("inetd"); err != nil {
		t.Skip(err)
	}
	port, log := port(t), filepath.Join(t.TempDir(), "zen.log")
	address := launch(t, exec.Command("inetd", "-i", conf(t, inetdLine(t, "1061", port, log))), port)
	for n := range 24 {
		until(t, "in_zen2 is about to exit", func() bool {
			text, _ := os.ReadFile(log)
			return bytes.Count(text, []byte("; shutting down\n")) == n
		})
		client := visit(t, address)
		asked(t, client)
		client.CloseWrite()
		silence(t, client)
	}
}

// A service that is appended to inetd's configuration is there after SIGHUP, as
// it is after "reload".
func TestInetdReloads(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("inetd"); err != nil {
		t.Skip(err)
	}
	first, second, log := port(t), port(t), filepath.Join(t.TempDir(), "zen.log")
	path := conf(t, inetdLine(t, "1060", first, log))
	inetd := exec.Command("inetd", "-i", path)
	address := launch(t, inetd, first)
	asked(t, visit(t, address))
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(file, inetdLine(t, "1061", second, log))
	file.Close()
	inetd.Process.Signal(syscall.SIGHUP)
	asked(t, visit(t, "127.0.0.1:"+second))
	asked(t, visit(t, address))
}
