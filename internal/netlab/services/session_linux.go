package services

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"fopnp/internal/netns"
	"fopnp/internal/serve/program"
)

// A session runs one program for an SSH client.
type session struct {
	ssh     *SSH
	client  *ssh.ServerConn
	account *Account
	channel ssh.Channel
	env     []string // what the client has set
	started bool     // the client may start only one program
	running sync.WaitGroup

	// If the client has asked for a terminal, wanted is its size. When the program
	// runs, terminal is our end of it.
	wanted   *unix.Winsize
	terminal *os.File

	mu      sync.Mutex
	process Process    // while it runs or its output is open, else nil
	ours    []*os.File // our ends of its terminal or of its pipes
}

// serve serves the requests of a client for its session. It returns when the
// client has closed the session and the program has ended.
//
// Source: RFC 4254, 6
func (s *session) serve(requests <-chan *ssh.Request) {
	defer s.running.Wait()
	defer s.hangUp()
	for r := range requests {
		ok := false
		switch r.Type {
		case "pty-req":
			ok = s.wantTerminal(r.Payload)
		case "window-change":
			ok = s.resize(r.Payload)
		case "env":
			ok = s.setenv(r.Payload)
		case "signal":
			ok = s.signal(r.Payload)
		case "shell", "exec", "subsystem":
			path, argv := s.program(r)
			if ok = path != "" && !s.started; !ok {
				break
			}
			s.started = true
			r.Reply(true, nil)
			if err := s.start(path, argv); err != nil {
				fmt.Fprintf(s.channel.Stderr(), "%s: %s\n", path, program.Why(err))
				s.exit(127 << 8) // as if a shell had not found it
			}
			continue
		}
		r.Reply(ok, nil) // does nothing if the client wants no reply
	}
}

// program returns the program that a request asks for, or "" if the server does
// not offer it.
func (s *session) program(r *ssh.Request) (path string, argv []string) {
	shell := s.account.Shell
	var request struct{ Text string }
	switch {
	case r.Type == "shell":
		return shell, []string{"-" + filepath.Base(shell)} // a login shell
	case ssh.Unmarshal(r.Payload, &request) != nil:
		return "", nil
	case r.Type == "exec":
		return shell, []string{filepath.Base(shell), "-c", request.Text}
	case request.Text == "sftp" && len(s.ssh.SFTP) > 0:
		return s.ssh.SFTP[0], s.ssh.SFTP
	}
	return "", nil
}

func (s *session) wantTerminal(payload []byte) bool {
	var want struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	if ssh.Unmarshal(payload, &want) != nil || s.started {
		return false
	}
	s.wanted = &unix.Winsize{Row: uint16(want.Rows), Col: uint16(want.Columns)}
	s.env = append(s.env, "TERM="+want.Term)
	return true
}

func (s *session) resize(payload []byte) bool {
	var want struct{ Columns, Rows, Width, Height uint32 }
	if ssh.Unmarshal(payload, &want) != nil || s.terminal == nil {
		return false
	}
	return setSize(s.terminal, &unix.Winsize{Row: uint16(want.Rows), Col: uint16(want.Columns)}) == nil
}

// setSize sets the size of a terminal, which sends SIGWINCH to its programs.
func setSize(terminal *os.File, size *unix.Winsize) error {
	raw, err := terminal.SyscallConn() // Fd would make reads block
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size)
	}); err != nil {
		return err
	}
	return failed
}

func (s *session) setenv(payload []byte) bool {
	var v struct{ Name, Value string }
	if ssh.Unmarshal(payload, &v) != nil || len(s.env) == maxEnv {
		return false
	}
	if v.Name != "LANG" && !strings.HasPrefix(v.Name, "LC_") {
		return false
	}
	s.env = append(s.env, v.Name+"="+v.Value)
	return true
}

func (s *session) signal(payload []byte) bool {
	var want struct{ Name string }
	if ssh.Unmarshal(payload, &want) != nil {
		return false
	}
	number := unix.SignalNum("SIG" + want.Name)
	return number != 0 && s.kill(number)
}

// kill sends a signal to the process group of the program.
func (s *session) kill(signal syscall.Signal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process != nil && unix.Kill(-s.process.Pid(), signal) == nil
}

// hangUp tells the program that the client has gone.
func (s *session) hangUp() {
	s.kill(unix.SIGHUP)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, file := range s.ours {
		file.Close()
	}
}

// start starts a program and connects it to the client. The session ends when
// the program does.
func (s *session) start(path string, argv []string) error {
	if s.wanted != nil {
		return s.startAtTerminal(path, argv)
	}
	var pipes [3]struct{ r, w *os.File }
	for i := range pipes {
		var err error
		if pipes[i].r, pipes[i].w, err = os.Pipe(); err != nil {
			for _, pipe := range pipes[:i] {
				pipe.r.Close()
				pipe.w.Close()
			}
			return err
		}
	}
	stdin, stdout, stderr := pipes[0], pipes[1], pipes[2]
	process, err := s.spawn(path, argv, [3]*os.File{stdin.r, stdout.w, stderr.w}, false)
	stdin.r.Close()
	stdout.w.Close()
	stderr.w.Close()
	if err != nil {
		stdin.w.Close()
		stdout.r.Close()
		stderr.r.Close()
		return err
	}
	s.connect(process, stdin.w, stdout.r, stderr.r)
	return nil
}

func (s *session) startAtTerminal(path string, argv []string) error {
	ours, theirs, err := netns.OpenTerminal()
	if err != nil {
		return err
	}
	defer theirs.Close()
	setSize(ours, s.wanted)              // else it has 24 lines
	theirs.Chown(int(s.account.UID), -1) // else only we may open it by its name
	process, err := s.spawn(path, argv, [3]*os.File{theirs, theirs, theirs}, true)
	if err != nil {
		ours.Close()
		return err
	}
	s.terminal = ours
	s.connect(process, ours, ours, nil)
	return nil
}

// connect connects a program with the client. Stderr may be nil.
func (s *session) connect(process Process, stdin, stdout, stderr *os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process, s.ours = process, []*os.File{stdin, stdout}
	s.running.Go(func() {
		io.Copy(stdin, s.channel) // until the client has sent all, or goes
		if stdin != stdout {
			stdin.Close()
		}
	})
	var output sync.WaitGroup
	output.Go(func() { io.Copy(s.channel, stdout) })
	if stderr != nil {
		s.ours = append(s.ours, stderr)
		output.Go(func() { io.Copy(s.channel.Stderr(), stderr) })
	}
	s.running.Go(func() {
		status := process.Wait()
		if s.terminal != nil {
			// Programs in the background may keep the terminal open. Send what is
			// there now, and hang up.
			s.terminal.SetReadDeadline(time.Now())
			output.Wait()
			netns.Drain(s.channel, s.terminal)
		}
		output.Wait()
		s.mu.Lock()
		s.process = nil
		for _, file := range s.ours {
			file.Close()
		}
		s.mu.Unlock()
		s.exit(status)
	})
}

// exit reports how the program ended, and ends the session. Errors mean that
// the client has gone.
func (s *session) exit(status syscall.WaitStatus) {
	defer s.channel.Close()
	if status.Signaled() {
		s.channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Name              string
			Dumped            bool
			Message, Language string
		}{strings.TrimPrefix(unix.SignalName(status.Signal()), "SIG"), status.CoreDump(), "", ""}))
		return
	}
	s.channel.SendRequest("exit-status", false,
		ssh.Marshal(struct{ Status uint32 }{uint32(status.ExitStatus())}))
}

func (s *session) spawn(path string, argv []string, files [3]*os.File, tty bool) (Process, error) {
	env := append([]string{
		"HOME=" + s.account.Home,
		"USER=" + s.account.Name,
		"LOGNAME=" + s.account.Name,
		"SHELL=" + s.account.Shell,
	}, s.ssh.Env...)
	from, isTCP := s.client.RemoteAddr().(*net.TCPAddr)
	if to, ok := s.client.LocalAddr().(*net.TCPAddr); ok && isTCP {
		env = append(env, fmt.Sprintf("SSH_CONNECTION=%s %d %s %d", from.IP, from.Port, to.IP, to.Port))
	}
	env = append(env, s.env...)
	var cred *syscall.Credential
	if int(s.account.UID) != os.Geteuid() || int(s.account.GID) != os.Getegid() {
		cred = &syscall.Credential{Uid: s.account.UID, Gid: s.account.GID}
	}
	process, err := s.ssh.Spawn(path, argv, env, s.account.Home, files, tty, cred)
	if err != nil {
		// perhaps the account has no such folder, or no right to it
		process, err = s.ssh.Spawn(path, argv, env, "/", files, tty, cred)
	}
	return process, err
}
