package services_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netlab/services"
	"fopnp/internal/serve/child"
)

// becomes is an environment variable that makes the test's binary a program of
// the playground: "ssh", "scp" or another.
const becomes = "FOPNP_SERVICES"

func TestMain(m *testing.M) {
	name := os.Getenv(becomes)
	os.Unsetenv(becomes)
	switch name {
	case "":
	case "ssh":
		os.Exit(services.SSHMain(os.Args[1:]))
	case "scp":
		os.Exit(services.ScpMain(os.Args[1:]))
	case "sftp-server":
		os.Exit(services.SFTPServerMain(os.Args[1:]))
	case "ssh, then cat":
		os.Exit(sshThenCat(os.Args[1:]))
	default:
		fmt.Fprintf(os.Stderr, "unexpected %s=%q\n", becomes, name)
		os.Exit(2)
	}
	// Programs that nohup starts ignore SIGHUP, and so would the shells of our
	// sessions.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	progtest.Parallel()
	status := m.Run()
	if stacks := leftGoroutines(); status == 0 && stacks != "" {
		fmt.Printf("FAIL: goroutines are left:\n%s\n", stacks)
		status = 1
	}
	os.Exit(status)
}

// leftGoroutines returns the stacks of the goroutines that still run code of
// package services, or "" once there are none.
func leftGoroutines() string {
	for end := time.Now().Add(child.Patience); ; {
		buffer := make([]byte, 1<<20)
		var left []string
		for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
			if strings.Contains(stack, "fopnp/internal/netlab/services.") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || time.Now().After(end) {
			return strings.Join(left, "\n\n")
		}
		<-time.After(time.Millisecond)
	}
}

var identity = func() *services.Identity {
	id, err := services.NewIdentity()
	if err != nil {
		panic(err)
	}
	return id
}()

// listen returns a listener at a port of loopback.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serving runs serve until the test ends. Then it calls stop, which makes serve
// return nil.
func serving(t testing.TB, serve func() error, stop func()) {
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Error("serve:", err)
			}
		case <-time.After(child.Patience):
			t.Error("the service does not stop")
		}
	})
}

// Each listener serves a limited number of clients, closes further connections,
// and serves the next client when one has gone. When it is full, its service
// still stops.
func TestFull(t *testing.T) {
	t.Parallel()
	stay(t)
	const limit = 64
	ssh := startSSH(t)
	web, webs := startWeb(t)
	mail := startMail(t)
	ftp, _ := startFTP(t)
	dns := startDNS(t, exampleZone)
	for name, address := range map[string]string{"ssh": "127.0.0.1:" + ssh.port, "http": web, "https": webs,
		"smtp": mail.smtp, "pop3": mail.pop3, "pop3s": mail.pop3s, "imap": mail.imap, "imaps": mail.imaps, "ftp": ftp, "dns": dns} {
		var clients []net.Conn
		for range limit {
			clients = append(clients, dial(t, address))
		}
		if name == "dns" {
			continue // clients that ask nothing do not stay long enough
		}
		refused := func() bool {
			c := dial(t, address)
			defer c.Close()
			switch name {
			case "http": // the client begins
				c.says("GET / HTTP/1.0\r\n")
			case "https", "pop3s", "imaps":
				return tls.Client(c, trusting()).Handshake() != nil
			}
			_, err := c.Read(make([]byte, 1))
			return err != nil
		}
		if !refused() {
			t.Errorf("%s lets in one more", name)
		}
		clients[7].Close()
		progtest.Until(t, name+" lets in the next", func() bool { return !refused() })
	}
}

// real returns the path of a program of this machine, or skips the test.
func real(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("this machine has no %s", name)
	}
	return path
}

// run runs a program, which must end with a given status, and returns what it
// prints to stdout. It fails the test if stderr does not contain problem, or if
// problem is empty and stderr is not.
func run(t testing.TB, cmd *exec.Cmd, status int, problem string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(child.Patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	cmd.Wait() // its error is in the state
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("%s: %v, want status %d\n%s%s", cmd, cmd.ProcessState, status, stdout.Bytes(), stderr.Bytes())
	}
	if problem == "" && stderr.Len() > 0 || !strings.Contains(stderr.String(), problem) {
		t.Errorf("%s: stderr is %q, want %q", cmd, stderr.Bytes(), problem)
	}
	return stdout.String()
}

// needOtherUsers skips the test if the kernel does not let us become another
// user.
func needOtherUsers(t testing.TB) {
	t.Helper()
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65533}}
	if err := cmd.Run(); err != nil {
		t.Skip("we cannot become another user: ", err)
	}
}

// program returns a command that runs a program of the playground.
func program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = name
	cmd.Env = append(os.Environ(), becomes+"="+name)
	return cmd
}

// write writes a file of a folder that the test has made, and returns its path.
func write(t testing.TB, folder, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// A started is a process of spawn.
type started struct{ *os.Process }

func (s started) Pid() int { return s.Process.Pid }

func (s started) Wait() syscall.WaitStatus {
	state, err := s.Process.Wait()
	if err != nil {
		panic(err)
	}
	return state.Sys().(syscall.WaitStatus)
}

// spawn starts a program as the first process of a host does, but does not reap
// other processes' children.
func spawn(path string, argv, env []string, dir string, files [3]*os.File,
	tty bool, cred *syscall.Credential) (services.Process, error) {
	p, err := os.StartProcess(path, argv, &os.ProcAttr{
		Dir: dir, Env: env, Files: files[:],
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: tty, Credential: cred},
	})
	return started{p}, err
}
