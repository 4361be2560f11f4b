package nettools

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
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"fopnp/internal/check/progtest"
)

// abc123 is a password, as crypt(3) stores it.
const abc123 = "$6$playground$VqXe/GpgD2pRyqmzXlfaLpNSfEU38S97So1b07GMiIe.yxR52SfHJTSF6NiXEr3s/U3SBOBAVnBpLfQx4U8ON0"

// serveTelnet starts a telnet server for each client, as inetd does, and
// returns its port. The user reader has the password abc123. When the test
// ends, no server runs any more.
func serveTelnet(t *testing.T) (port string) {
	t.Helper()
	folder := t.TempDir()
	passwd, shadow := filepath.Join(folder, "passwd"), filepath.Join(folder, "shadow")
	user := fmt.Sprintf("reader:x:%d:%d:Reader:%s:/bin/sh\nlocked:x:%[1]d:%[2]d::/:/bin/sh\n", os.Getuid(), os.Getgid(), folder)
	if err := errors.Join(os.WriteFile(passwd, []byte(user), 0o600),
		os.WriteFile(shadow, []byte("reader:"+abc123+":16000:0:99999:7:::\nlocked:!:1::::::\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	servers := make(chan *exec.Cmd, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(servers)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			file, err := conn.(*net.TCPConn).File()
			conn.Close()
			if err != nil {
				t.Error(err)
				return
			}
			cmd := command("in.telnetd", "--passwd", passwd, "--shadow", shadow)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = file, file, file
			cmd.Env = append(os.Environ(), "BEYOND=1")
			if err := cmd.Start(); err != nil {
				t.Error(err)
			} else {
				servers <- cmd
			}
			file.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
		for cmd := range servers {
			timer := time.AfterFunc(progtest.Patience, func() {
				t.Errorf("a telnet server does not end")
				cmd.Process.Kill()
			})
			cmd.Wait()
			timer.Stop()
		}
	})
	return progtest.PortOf(listener.Addr())
}

// Debian's telnet logs in. The shell is a login shell. Its terminal is as large
// as the window, and follows its size. Ctrl-C interrupts what runs there.
func TestTelnetdRealClient(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("telnet"); err != nil {
		t.Skip(err)
	}
	cmd := exec.Command("telnet", "127.0.0.1", serveTelnet(t))
	cmd.Env = append(os.Environ(), "TERM=vt220")
	session(t, cmd)
}

// session logs in with a telnet client and works in the shell.
func session(t *testing.T, client *exec.Cmd) {
	t.Helper()
	p := sit(t, client)
	p.sees(`Escape character is '\^]'\.`)
	p.sees(`Linux \(.*\)\r\n\r\n`)
	p.sees(`login: $`)
	p.types("reader\r")
	p.sees(`reader\r\n`) // the server echoes
	p.sees(`Password: $`)
	p.types("wrong\r")
	if shown := p.sees(`(?s)^.*Login incorrect`); strings.Contains(shown, "wrong") {
		t.Errorf("the screen shows the password: %q", shown)
	}
	p.sees(`login: $`)
	p.types("readee\br\r")
	p.sees(`Password: $`)
	p.types("abc123\r")
	p.sees(`[$#] $`)
	p.types("stty size; echo $0 $TERM $HOME ${BEYOND-empty} $PPID\r")
	p.sees(`24 80\r\n-sh vt220 /\S+ empty \d+\r\n`)
	if err := pty.Setsize(p.terminal, &pty.Winsize{Rows: 30, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	p.types("while [ \"$(stty size)\" != '30 100' ]; do :; done; echo re''sized\r")
	p.sees("resized\r\n")
	p.types("sh -c \"echo re''ady; exec sleep 1000\"\r")
	p.sees("ready\r\n")
	p.types("\x03")
	p.sees(`[$#] $`)
	p.types("sleep 1000 & echo back''ground $!.; exit 5\r") // does not keep the connection open
	pid, err := strconv.Atoi(strings.Trim(p.sees(`background \d+\.`), "background ."))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(pid, syscall.SIGKILL)
	p.sees("Connection closed by foreign host")
}

// prompt returns the prompt of the shell.
func prompt() string {
	if os.Getuid() == 0 {
		return "# "
	}
	return "$ "
}

// rawClient returns a connection to a telnet server and a reader of what it
// sends.
func rawClient(t *testing.T, port string) (*net.TCPConn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(progtest.Patience))
	return conn.(*net.TCPConn), bufio.NewReader(conn)
}

// readUntil reads until the server has sent want.
func readUntil(t *testing.T, r *bufio.Reader, want string) (got []byte) {
	t.Helper()
	for !bytes.HasSuffix(got, []byte(want)) {
		b, err := r.ReadByte()
		if err != nil {
			t.Fatalf("the server sent %q (%v), want %q", got, err, want)
		}
		got = append(got, b)
	}
	return got
}

// The server offers what it can and refuses the rest. It answers an option only
// once. It answers "are you there", and doubles a 255 in its data.
func TestTelnetdOptions(t *testing.T) {
	t.Parallel()
	conn, r := rawClient(t, serveTelnet(t))
	offers := string([]byte{iac, will, optEcho, iac, will, optSuppressGoAhead, iac, do, optWindowSize, iac, do, optTerminalType})
	if got := readUntil(t, r, "login: "); !bytes.HasPrefix(got, []byte(offers)) {
		t.Errorf("the server begins with %q", got)
	}
	const linemode, status = 34, 5
	conn.Write([]byte{iac, do, optEcho, iac, do, optEcho, iac, will, linemode, iac, do, status,
		iac, dont, status, iac, will, optTerminalType, iac, areYouThere, 'x'})
	want := string([]byte{iac, dont, linemode, iac, wont, status, iac, sb, optTerminalType, 1, iac, se}) + "\r\n[yes]\r\nx"
	if got := readUntil(t, r, "x"); string(got) != want {
		t.Errorf("the server answers %q, want %q", got, want)
	}
	// A long subnegotiation, and a size cut in pieces.
	conn.Write(append(append([]byte{iac, sb, 99}, bytes.Repeat([]byte("long"), 1<<16)...), iac, se))
	for _, piece := range []byte{iac, sb, optWindowSize, 0, 200, 1, iac, iac, iac, se, 127} {
		conn.Write([]byte{piece})
	}
	conn.Write([]byte("reader\r\x00abc123\r\n"))
	readUntil(t, r, prompt())
	conn.Write([]byte("stty -echo size\r\n"))
	readUntil(t, r, "511 200\r\n")
	conn.Write([]byte("printf '\\377\\015x'\r\n"))
	readUntil(t, r, string([]byte{iac, iac, '\r', 0, 'x'}))
	conn.Write([]byte("exit\r\n"))
	if rest, err := io.ReadAll(r); err != nil {
		t.Errorf("at the end the server sent %q (%v)", rest, err)
	}
}

// When the client leaves, the kernel hangs up on what runs at the terminal.
func TestTelnetdClientLeaves(t *testing.T) {
	t.Parallel()
	conn, r := rawClient(t, serveTelnet(t))
	readUntil(t, r, "login: ")
	conn.Write([]byte("reader\r\nabc123\r\n"))
	readUntil(t, r, prompt())
	conn.Write([]byte("echo pid=$$.; sleep 1000\r\n"))
	readUntil(t, r, "pid=")
	readUntil(t, r, "pid=")
	number, _ := r.ReadString('.')
	pid, err := strconv.Atoi(strings.TrimSuffix(number, "."))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	progtest.Until(t, "the shell ends", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ") // nothing may have reaped it yet
	})
}

// Three wrong passwords end the connection. An account without a password, or
// one that does not exist, does not let a user in. Neither does Ctrl-D.
func TestTelnetdRefuses(t *testing.T) {
	t.Parallel()
	port := serveTelnet(t)
	for _, typed := range []string{"reader\r\nabc124\r\nlocked\r\n!\r\nnosuch\r\nabc123\r\n", "\r\n\r\n\x04", "reader\r\n\x03"} {
		conn, r := rawClient(t, port)
		readUntil(t, r, "login: ")
		io.WriteString(conn, typed)
		rest, err := io.ReadAll(r)
		if err != nil || strings.Count(string(rest), "Login incorrect") != strings.Count(typed, "123\r\n")*3 {
			t.Errorf("after %q the server sent %q (%v)", typed, rest, err)
		}
	}
}

// Without a connection, in.telnetd reports an error.
func TestTelnetdByHand(t *testing.T) {
	t.Parallel()
	_, stderr, status := run(command("in.telnetd"))
	if want := "in.telnetd: stdin: not a connection; inetd starts this program\n"; stderr != want || status != 1 {
		t.Errorf("it printed %q, status %d", stderr, status)
	}
}
