package netlab

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A server is the first process of a host.
type server struct {
	*Host
	lab    *Lab
	config config
}

// runHost is the main function of a host's first process. It does not return.
func runHost(l *Lab, name string) {
	world, err := newControl(os.NewFile(3, "control"))
	if err != nil {
		os.Exit(1)
	}
	s := &server{Host: l.Find(name), lab: l}
	if _, err := world.receive(&s.config); err != nil {
		os.Exit(1) // the world has ended
	}
	if err := s.begin(world); err != nil {
		world.send(answer{Error: err.Error()})
		os.Exit(1)
	}
	world.send(answer{Ready: true})
	for {
		var r request
		files, err := world.receive(&r)
		if err != nil {
			os.Exit(0) // the world has ended
		}
		if len(files) != 4 {
			closeAll(files)
			continue
		}
		client, err := newControl(files[0])
		if err != nil {
			closeAll(files[1:])
			continue
		}
		go s.login(client, r, [3]*os.File(files[1:]))
	}
}

func (s *server) begin(world control) error {
	// Until now, the process has the name of its file.
	os.WriteFile("/proc/self/comm", []byte("init"), 0)
	unix.Umask(0o022)
	watchChildren()
	// If this process ignored signals, as under nohup, so would every program that it
	// starts. But a signal that it catches is not ignored after exec.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGINT, unix.SIGQUIT)
	if err := unix.Sethostname([]byte(s.Full())); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := s.makeRoot(); err != nil {
		return err
	}
	if !s.config.AllUsers {
		if err := allowSetgroups(); err != nil {
			return err
		}
	}
	if err := logToFile("/dev/log", "/var/log/syslog"); err != nil {
		return err
	}
	if err := s.serve(); err != nil {
		return err
	}
	return passOn("/playground/run/control", world)
}

// passOn passes a socket's clients on to the world. They are programs on this host
// that want a shell on another host, or want to show or change wires.
func passOn(path string, world control) error {
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Net: "unixpacket", Name: path})
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			control{c}.pass(world)
		}
	}()
	return nil
}

// logToFile appends log messages to a file. This host's programs send them to the
// system's log socket.
func logToFile(socket, path string) error {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: socket})
	if err != nil {
		return err
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	go func() {
		for buffer := make([]byte, 8<<10); ; {
			n, err := c.Read(buffer)
			if err != nil {
				return
			}
			// <29>Oct 11 22:14:15 inetd[36]: ...
			line := buffer[:n]
			if priority := bytes.IndexByte(line, '>'); bytes.HasPrefix(line, []byte("<")) && priority < 5 {
				line = line[priority+1:]
			}
			f.Write(append(bytes.TrimRight(line, "\x00\n"), '\n'))
		}
	}()
	return nil
}

// children are the running processes that spawn has started. A host's first process
// also inherits the orphans of others, so reap waits for every child.
var children = struct {
	sync.Mutex
	ended map[int]chan syscall.WaitStatus
}{ended: map[int]chan syscall.WaitStatus{}}

// watchChildren makes this process reap its children from now on. It must have
// returned before the first child starts: the Go runtime drops signals that nothing
// listens for, and then a child that has ended already would stay for ever.
func watchChildren() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGCHLD)
	go reap(signals)
}

// reap reaps children whenever a signal arrives.
func reap(signals <-chan os.Signal) {
	for range signals {
		for reapOne() {
		}
	}
}

func reapOne() bool {
	children.Lock()
	defer children.Unlock()
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(-1, &status, unix.WNOHANG, nil)
	if err == unix.EINTR {
		return true
	}
	if pid <= 0 {
		return false
	}
	if ended := children.ended[pid]; ended != nil {
		ended <- status
		delete(children.ended, pid)
	}
	return true
}

// A process is a program that spawn has started.
type process struct {
	pid   int
	ended chan syscall.WaitStatus
}

// Pid returns the process ID on the host.
func (p *process) Pid() int { return p.pid }

// Wait waits until the process has ended and returns its status. Call it only once.
func (p *process) Wait() syscall.WaitStatus { return <-p.ended }

// spawn starts a program as the leader of a session. With tty, the terminal files[0]
// becomes the session's terminal. A nil credential means root.
func spawn(path string, argv, env []string, dir string, files [3]*os.File, tty bool, credential *syscall.Credential) (*process, error) {
	children.Lock() // so reap does not see the child before we know it
	defer children.Unlock()
	pid, err := syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Dir: dir, Env: env,
		Files: []uintptr{files[0].Fd(), files[1].Fd(), files[2].Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: tty, Credential: credential},
	})
	if err != nil {
		return nil, &os.PathError{Op: "run", Path: path, Err: err}
	}
	p := &process{pid, make(chan syscall.WaitStatus, 1)}
	children.ended[pid] = p.ended
	return p, nil
}
