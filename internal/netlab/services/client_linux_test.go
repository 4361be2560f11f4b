package services_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netlab/services"
	"fopnp/internal/netns"
	"fopnp/internal/serve/child"
)

// own returns a command that runs our ssh or scp as the user of a home folder.
func own(home, name string, args ...string) *exec.Cmd {
	cmd := program(name, args...)
	cmd.Env = append(cmd.Env, "HOME="+home, "USER=brandon")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // without the terminal of the test
	return cmd
}

// userHome returns a folder with the files of ~/.ssh.
func (s *sshServer) userHome(t testing.TB) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Rename(s.keys, home+"/.ssh"); err != nil {
		t.Fatal(err)
	}
	return home
}

// Our ssh does what OpenSSH's does, with our server.
func TestOwnSSH(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	home := s.userHome(t)
	ssh := func(args ...string) *exec.Cmd {
		return own(home, "ssh", append([]string{"-p", s.port}, args...)...)
	}
	cat := ssh("brandon@127.0.0.1", "cat;", "echo", "-n", "done", ">&2;", "exit", "3")
	cat.Stdin = strings.NewReader("input")
	if got := run(t, cat, 3, "done"); got != "input" {
		t.Errorf("got %q", got)
	}
	if got := run(t, ssh("127.0.0.1", "pwd"), 0, ""); got != s.home+"\n" {
		t.Errorf("got %q", got)
	}
	if got := run(t, ssh("-l", "brandon", "127.0.0.1", "echo", "-l"), 0, ""); got != "-l\n" {
		t.Errorf("got %q", got)
	}
	run(t, ssh("127.0.0.1", "kill -9 $$"), 128+9, "")
	run(t, ssh("eve@127.0.0.1", "true"), 255, "ssh: connect to 127.0.0.1: no terminal to ask for a password\n")
	run(t, own(home, "ssh", "-p", "1", "127.0.0.1"), 255, "ssh: connect to 127.0.0.1: connection refused\n")
	run(t, ssh("-i", "/nowhere", "127.0.0.1"), 255, "ssh: connect to 127.0.0.1: no such file or directory\n")
	run(t, ssh(), 255, "usage: ssh [-t]")
	run(t, ssh("-z", "127.0.0.1"), 255, "ssh: unknown shorthand flag")
	if got := run(t, ssh("-h"), 0, ""); !strings.HasPrefix(got, "usage: ssh [-t]") || !strings.Contains(got, "-p, --port") {
		t.Errorf("help: %q", got)
	}
	// a host with another key, and one that is not known
	stranger, err := services.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	write(t, home, ".ssh/known_hosts", string(stranger.KnownHosts()), 0o644)
	run(t, ssh("127.0.0.1", "true"), 255, "host key is not the one in known_hosts")
	write(t, home, ".ssh/known_hosts", "", 0o644)
	run(t, ssh("127.0.0.1", "true"), 255, "host key is not in known_hosts")
}

// Our ssh connects a command, or a shell, to its files, and reports its status.
func TestOwnSSHFiles(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	home := s.userHome(t)
	ssh := func(command ...string) *exec.Cmd {
		return own(home, "ssh", append([]string{"-p", s.port, "127.0.0.1"}, command...)...)
	}
	cat := ssh("cat; echo done >&2; exit 3")
	cat.Stdin = strings.NewReader(strings.Repeat("a line\n", 100_000))
	if got := run(t, cat, 3, "done\n"); got != strings.Repeat("a line\n", 100_000) {
		t.Errorf("cat returned %d bytes", len(got))
	}
	if got := run(t, ssh("echo $USER; echo $(echo two words)"), 0, ""); got != "brandon\ntwo words\n" {
		t.Errorf("a line for the shell: %q", got)
	}
	script := ssh()
	script.Stdin = strings.NewReader("echo from a script\nexit 4\n")
	if got := run(t, script, 4, ""); got != "from a script\n" {
		t.Errorf("a script: %q", got)
	}
}

// sshThenCat is our ssh. After ssh has ended and all input has arrived, it
// prints what ssh has not read.
func sshThenCat(args []string) (status int) {
	status = services.SSHMain(args)
	fmt.Println("ssh has ended")
	for { // a goroutine of ssh that still reads would get the input first
		_, err := unix.Poll([]unix.PollFd{{Fd: 0}}, -1) // until the pipe's writer has gone
		if err != unix.EINTR {
			break
		}
	}
	io.Copy(os.Stdout, os.Stdin)
	return status
}

// Input that arrives after our ssh has ended is left for the next program.
func TestOwnSSHLeavesInput(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	cmd := own(s.userHome(t), "ssh, then cat", "-p", s.port, "127.0.0.1", "exit 2")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	defer time.AfterFunc(child.Patience, func() { cmd.Process.Kill() }).Stop()
	(&transcript{r: out}).waitFor(t, "ssh has ended\n")
	io.WriteString(in, "the rest")
	in.Close()
	if got, err := io.ReadAll(out); err != nil || string(got) != "the rest" {
		t.Errorf("the next program read %q, %v", got, err)
	}
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 2 {
		t.Error(cmd.ProcessState)
	}
}

// At a terminal, our ssh connects it to the one on the host. When ssh ends, our
// terminal's settings are as before.
func TestOwnSSHTerminal(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	ours, theirs, err := netns.OpenTerminal()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	ours.SetDeadline(time.Now().Add(child.Patience))
	before := settings(t, theirs)
	cmd := own(s.userHome(t), "ssh", "-p", s.port, "127.0.0.1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	defer time.AfterFunc(child.Patience, func() { cmd.Process.Kill() }).Stop()
	screen := &transcript{r: ours}
	screen.waitFor(t, "$ ")
	io.WriteString(ours, "stty size\r")
	screen.waitFor(t, "24 80\r\n")
	resize(t, ours, 30, 90)
	io.WriteString(ours, "until test \"$(stty size)\" = \"30 90\"; do sleep .01; done; echo re''sized\r")
	screen.waitFor(t, "resized\r\n")
	io.WriteString(ours, "sh -c 'echo as\"\"leep; exec sleep 1000'\r")
	screen.waitFor(t, "asleep\r\n")
	io.WriteString(ours, "\x1a")
	screen.waitFor(t, "$ ")
	io.WriteString(ours, "kill -9 %1; fg; exit 5\r")
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 5 {
		t.Errorf("got %v", err)
	}
	if after := settings(t, theirs); after != before {
		t.Errorf("the terminal was %v and is %v", before, after)
	}
	theirs.Close()
}

// The first Ctrl-C goes to the command. A second one, SIGTERM or SIGHUP ends our
// ssh, and the command with it. If the server goes, ssh says so.
func TestOwnSSHEnds(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	home := s.userHome(t)
	l := listen(t) // that the test may close
	serving(t, func() error { return s.Serve(l) }, func() { l.Close() })
	for _, test := range []struct {
		name    string
		end     func(*os.Process)
		status  int
		problem string
	}{
		{"SIGINT", func(p *os.Process) { p.Signal(syscall.SIGINT) }, 128 + 2, ""},
		{"SIGTERM", func(p *os.Process) { p.Signal(syscall.SIGTERM) }, 128 + 15, ""},
		{"SIGHUP", func(p *os.Process) { p.Signal(syscall.SIGHUP) }, 128 + 1, ""},
		{"the server goes", func(*os.Process) { l.Close() }, 255, "ssh: session on 127.0.0.1: connection lost\n"},
	} {
		cmd := own(home, "ssh", "-p", progtest.PortOf(l.Addr()), "127.0.0.1",
			"trap 'echo interrupted' INT; echo $$; while :; do sleep 1000 & wait $!; kill $! 2>/dev/null; done")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		defer time.AfterFunc(child.Patience, func() { cmd.Process.Kill() }).Stop()
		screen := &transcript{r: out}
		pid, err := strconv.Atoi(strings.TrimSpace(screen.waitFor(t, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Process.Signal(syscall.SIGINT)
		screen.waitFor(t, "interrupted\n")
		test.end(cmd.Process)
		cmd.Wait() // its error is in the state
		if cmd.ProcessState.ExitCode() != test.status || stderr.String() != test.problem {
			t.Errorf("%s: %v, %q", test.name, cmd.ProcessState, &stderr)
		}
		progtest.Until(t, "the command has gone", func() bool { return syscall.Kill(pid, 0) != nil })
	}
}

// Without a key, our ssh asks for the password at the terminal. Then it is a
// shell.
func TestOwnSSHPassword(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	home := s.userHome(t)
	if err := os.Remove(home + "/.ssh/id_ed25519"); err != nil {
		t.Fatal(err)
	}
	ours, theirs, err := netns.OpenTerminal()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	ours.SetDeadline(time.Now().Add(child.Patience))
	cmd := own(home, "ssh", "-p", s.port, "127.0.0.1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(child.Patience, func() { cmd.Process.Kill() }).Stop()
	screen := &transcript{r: ours}
	screen.waitFor(t, "brandon@127.0.0.1's password: ")
	if settings(t, theirs).Lflag&unix.ECHO != 0 {
		t.Error("the terminal shows a password that is typed at once")
	}
	theirs.Close()
	io.WriteString(ours, "wrong\r")
	screen.waitFor(t, "brandon@127.0.0.1's password: ")
	io.WriteString(ours, services.Password+"\r")
	if got := screen.waitFor(t, "$ "); strings.Contains(got, services.Password) {
		t.Errorf("the terminal shows the password: %q", got)
	}
	io.WriteString(ours, "exit 6\r")
	screen.waitFor(t, "Connection to 127.0.0.1 closed.\r\n")
	if cmd.Wait(); cmd.ProcessState.ExitCode() != 6 {
		t.Error(cmd.ProcessState)
	}
}

// Our scp, OpenSSH's scp and its sftp copy files and folders to the server and
// from it, and name what they cannot copy.
func TestScp(t *testing.T) {
	t.Parallel()
	s := startSSH(t)
	real := []string{}
	for _, arg := range s.openSSH(t, "scp").Args[1:] {
		real = append(real, strings.ReplaceAll(arg, s.keys, "HOME/.ssh"))
	}
	home := s.userHome(t)
	for i, arg := range real {
		real[i] = strings.ReplaceAll(arg, "HOME", home)
	}
	for name, scp := range map[string]func(args ...string) *exec.Cmd{
		"ours":   func(args ...string) *exec.Cmd { return own(home, "scp", append([]string{"-P", s.port}, args...)...) },
		"theirs": func(args ...string) *exec.Cmd { return exec.Command("scp", append(real, args...)...) },
	} {
		t.Run(name, func(t *testing.T) {
			here := t.TempDir()
			host := "brandon@127.0.0.1:"
			there := filepath.Join(s.home, name)
			for _, folder := range []string{there, here + "/folder/deep", here + "/back"} {
				if err := os.MkdirAll(folder, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			large := strings.Repeat("0123456789", 100_000)
			write(t, here, "large", large, 0o755)
			write(t, here, "small", "small", 0o600)
			write(t, here, "folder/deep/file", "deep", 0o644)
			run(t, scp(here+"/large", here+"/small", host+name), 0, "")
			run(t, scp("-r", here+"/folder", host+there), 0, "")
			run(t, scp(here+"/small", host+name+"/renamed"), 0, "")
			run(t, scp("-p", here+"/small", host+name+"/kept"), 0, "")
			for path, want := range map[string]string{"large": large, "small": "small", "folder/deep/file": "deep", "renamed": "small"} {
				if got, err := os.ReadFile(filepath.Join(there, path)); err != nil || string(got) != want {
					t.Errorf("%s: %d bytes, %v", path, len(got), err)
				}
			}
			if info, err := os.Stat(there + "/large"); err != nil || info.Mode() != 0o755 {
				t.Errorf("large: %v, %v", info, err)
			}
			before, err := os.Stat(here + "/small")
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(there + "/kept"); err != nil || info.Mode() != 0o600 || info.ModTime().Unix() != before.ModTime().Unix() {
				t.Errorf("kept: %v, %v", info, err)
			}
			run(t, scp("-r", host+name+"/*", here+"/back"), 0, "")
			if got, err := os.ReadFile(here + "/back/folder/deep/file"); err != nil || string(got) != "deep" {
				t.Errorf("back: %q, %v", got, err)
			}
			if got, err := os.ReadFile(here + "/back/large"); err != nil || string(got) != large {
				t.Errorf("back: %d bytes, %v", len(got), err)
			}
			if name != "ours" {
				return // OpenSSH's programs handle errors differently
			}
			run(t, scp(here+"/nowhere", here+"/small", host+name+"/folder"), 1, "nowhere: no such file or directory\n")
			if _, err := os.Stat(there + "/folder/small"); err != nil {
				t.Error(err)
			}
			run(t, scp(host+"nowhere", here), 1, "scp: nowhere: file does not exist\n")
			run(t, scp(here+"/folder", host), 1, "folder: is a folder: copy it with -r\n")
			run(t, scp(here+"/large", here+"/small", host+name+"/renamed"), 1, "renamed: not a folder\n")
			run(t, scp(here+"/large", "eve@127.0.0.1:"), 1, "scp: eve@127.0.0.1:: no terminal to ask for a password\n")
			run(t, scp("one"), 1, "usage: scp ")
		})
	}
}

// As root, SFTP gives an account no more rights than the account has.
func TestSFTPRights(t *testing.T) {
	t.Parallel()
	needOtherUsers(t)
	// the test's own program must be where the other user may run it
	folder, err := os.MkdirTemp("", "services")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	server := write(t, folder, "sftp-server", string(self), 0o755)
	write(t, folder, "secret", "secret", 0o600)
	write(t, folder, "public", "public", 0o644)
	s := startSSH(t, func(s *sshServer) {
		s.Accounts[0].UID, s.Accounts[0].GID = 65534, 65533
		s.SFTP = []string{server}
	})
	sftp := s.openSSH(t, "sftp", "-b", "-", "brandon@127.0.0.1")
	sftp.Dir = t.TempDir()
	sftp.Stdin = strings.NewReader("-get " + folder + "/secret\n-put /proc/self/exe " + folder + "/new\nget " + folder + "/public\n")
	run(t, sftp, 0, "ermission denied")
	if got, err := os.ReadFile(sftp.Dir + "/public"); err != nil || string(got) != "public" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, path := range []string{sftp.Dir + "/secret", folder + "/new"} {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			t.Errorf("%s was copied", path)
		}
	}
}

// settings returns the settings of a terminal.
func settings(t testing.TB, terminal *os.File) unix.Termios {
	t.Helper()
	termios, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *termios
}

// resize changes the size of a terminal.
func resize(t testing.TB, terminal *os.File, rows, columns uint16) {
	t.Helper()
	raw, err := terminal.SyscallConn() // Fd would take the deadline away
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
	}); err != nil {
		t.Fatal(err)
	}
}
