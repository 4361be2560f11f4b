package superserver

import (
	"errors"
	"fmt"
	"log/syslog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

const (
	window    = time.Minute      // Service.Max starts are allowed in this time
	cooldown  = 10 * time.Minute // how long a service that fails is suspended
	exhausted = time.Second      // how long the server waits when it has no free descriptors
)

// detached is set in the environment of a server that has detached from its
// terminal.
const detached = "FOPNP_INETD_DETACHED"

// Main runs the super-server with these arguments:
//
//	inetd [-dEi] [-p FILE] [-q LENGTH] [-R RATE] [FILE]
//
// Without -i or -d, Main starts os.Args[0] again in the background, and returns
// 0 when that process has started. Otherwise it serves until SIGTERM or SIGINT.
// SIGHUP makes it read the configuration again: services that are still in it
// keep their sockets and their programs.
//
// Main waits for every child of the process, so nothing else in the process may
// start a child. It returns 1 if it cannot start, and 2 if the command line is
// wrong.
func Main(args []string) int {
	s := &server{running: map[int]*socket{}}
	flags := pflag.NewFlagSet("inetd", pflag.ContinueOnError)
	flags.SortFlags = false
	debug := flags.BoolP("debug", "d", false, "stay in the foreground and log to stderr")
	keep := flags.BoolP("environment", "E", false, "pass the whole environment to the programs")
	foreground := flags.BoolP("foreground", "i", false, "stay in the foreground")
	pidFile := flags.StringP("pid", "p", "/run/inetd.pid", "write the process ID to `FILE`")
	flags.IntVarP(&s.backlog, "queue", "q", 128, "`LENGTH` of each listener's queue")
	flags.IntVarP(&s.rate, "rate", "R", 256, "start a service at most `RATE` times per minute")
	flags.Usage = func() {
		fmt.Fprintf(os.Stderr, "usage: inetd [-dEi] [-p FILE] [-q LENGTH] [-R RATE] [FILE]\n%s", flags.FlagUsages())
	}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err == nil && flags.NArg() > 1:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(1))
		flags.Usage()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "inetd: %v\n", err)
		return 2
	}
	s.file = "/etc/inetd.conf"
	if flags.NArg() == 1 {
		s.file = flags.Arg(0)
	}
	if _, err := os.ReadFile(s.file); err != nil {
		fmt.Fprintf(os.Stderr, "inetd: read %s: %s\n", s.file, reason(err))
		return 1
	}
	_, isDetached := os.LookupEnv(detached)
	os.Unsetenv(detached)
	if !*debug && !*foreground && !isDetached {
		if err := detach(); err != nil {
			fmt.Fprintf(os.Stderr, "inetd: start in the background: %s\n", reason(err))
			return 1
		}
		return 0
	}
	if !*debug {
		s.syslog, _ = syslog.New(syslog.LOG_DAEMON|syslog.LOG_ERR, "inetd")
	}
	s.environment = os.Environ()
	if !*keep {
		s.environment = laundered(s.environment)
	}
	if err := s.serve(*pidFile); err != nil {
		s.log("%s", reason(err))
		return 1
	}
	return 0
}

// detach starts the program again with the same arguments, in a new session
// without a terminal. A Go program has threads, so it cannot fork.
func detach() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	_, err = syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{
		Dir:   "/",
		Env:   append(os.Environ(), detached+"=1"),
		Files: []uintptr{null.Fd(), null.Fd(), null.Fd()},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	return err
}

// laundered returns the variables that the programs may inherit.
func laundered(environment []string) (kept []string) {
	ours := []string{"CVS", "DISPLAY=", "EDITOR=", "GROUP=", "HOME=", "IFS=", "LD_", "LOGNAME=", "MAIL=",
		"NOTIFY_SOCKET", "PATH=", "PRINTER=", "PWD=", "SHELL=", "SHLVL=", "SSH", "TERM", "TMP", "USER=", "VISUAL="}
variables:
	for _, variable := range environment {
		for _, prefix := range ours {
			if strings.HasPrefix(variable, prefix) {
				continue variables
			}
		}
		kept = append(kept, variable)
	}
	return kept
}

// A server is a super-server. One goroutine uses it.
type server struct {
	file          string // the configuration
	backlog, rate int
	environment   []string // of the programs
	syslog        *syslog.Writer

	sockets []*socket
	running map[int]*socket // the programs, by process id
}

// log logs a line for the administrator.
func (s *server) log(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if s.syslog == nil || s.syslog.Err(line) != nil {
		fmt.Fprintf(os.Stderr, "inetd: %s\n", line)
	}
}

// reason returns why something failed, in the C library's words, with the same
// capital letters.
func reason(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err.Error()
	}
	text := errno.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// serve serves until a signal stops it.
func (s *server) serve(pidFile string) error {
	var pipe [2]int // a signal writes to it, which wakes the loop
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return err
	}
	defer unix.Close(pipe[0])
	stop := notify(pipe[1], unix.SIGTERM, unix.SIGINT)
	hangup, child := notify(pipe[1], unix.SIGHUP), notify(pipe[1], unix.SIGCHLD)
	if err := os.WriteFile(pidFile, fmt.Appendln(nil, os.Getpid()), 0o644); err != nil {
		s.log("%s: %s", pidFile, reason(err))
	} else {
		defer removeOwn(pidFile)
	}
	s.configure()
	defer s.closeAll()
	for {
		poll, ready, timeout := s.toPoll(int32(pipe[0]))
		if _, err := unix.Poll(poll, timeout); err != nil && err != unix.EINTR {
			return fmt.Errorf("poll: %w", err)
		}
		for i, socket := range ready {
			if poll[i+1].Revents != 0 {
				s.answer(socket)
			}
		}
		unix.Read(pipe[0], make([]byte, 64))
		select {
		case <-child:
			s.reap()
		default:
		}
		select {
		case <-hangup:
			s.configure()
		default:
		}
		select {
		case <-stop:
			return nil
		default:
		}
	}
}

// notify returns a channel of signals. Each signal also writes a byte to pipe.
func notify(pipe int, signals ...os.Signal) <-chan os.Signal {
	came, comes := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(comes, signals...)
	go func() {
		for sig := range comes {
			select {
			case came <- sig:
			default: // the loop has not yet seen the previous signal
			}
			unix.Write(pipe, []byte{0}) // a full pipe wakes the loop as well
		}
	}()
	return came
}

// toPoll returns the descriptors to poll, the sockets of all but the first
// descriptor, and the timeout in milliseconds. It opens the sockets that may be
// tried again now.
func (s *server) toPoll(wake int32) (poll []unix.PollFd, sockets []*socket, timeout int) {
	poll, timeout = []unix.PollFd{{Fd: wake, Events: unix.POLLIN}}, -1
	now := time.Now()
	for _, socket := range s.sockets {
		if left := socket.rest.Sub(now); left > 0 {
			if ms := int(left.Milliseconds()) + 1; timeout < 0 || ms < timeout {
				timeout = ms
			}
			continue
		}
		if socket.fd < 0 {
			s.open(socket)
		}
		if socket.fd >= 0 && !socket.busy {
			poll = append(poll, unix.PollFd{Fd: int32(socket.fd), Events: unix.POLLIN})
			sockets = append(sockets, socket)
		}
	}
	return poll, sockets, timeout
}

// open opens a socket. If that fails, it logs why and tries again later.
func (s *server) open(socket *socket) {
	if err := socket.open(s.backlog); err != nil {
		s.log("%s: %v", socket.label(), err)
		socket.rest = time.Now().Add(cooldown)
	}
}

// reap finds out which programs have exited.
func (s *server) reap() {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if socket := s.running[pid]; socket != nil {
			socket.busy = false
			socket.setMode() // the program may have changed it
			delete(s.running, pid)
		}
	}
}

// configure reads the configuration. If it cannot be read, nothing changes.
func (s *server) configure() {
	text, err := os.ReadFile(s.file)
	if err != nil {
		s.log("%s: %s", s.file, reason(err))
		return
	}
	services, err := Parse(s.file, string(text))
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			s.log("%s", strings.TrimSuffix(line, "\n"))
		}
	}
	old, wanted := map[string]*socket{}, map[string]*socket{}
	for _, socket := range s.sockets {
		old[socket.key()] = socket
	}
	s.sockets = nil
	for _, service := range services {
		sockets, err := socketsOf(service)
		if err != nil {
			s.log("%s:%d: %v", s.file, service.Line, err)
		}
		for _, socket := range sockets {
			key := socket.key()
			if first := wanted[key]; first != nil {
				s.log("%s:%d: %s: line %d has this service already", s.file, service.Line, socket.label(), first.service.Line)
				continue
			}
			if kept := old[key]; kept != nil {
				kept.reconfigure(service)
				socket = kept
			}
			wanted[key] = socket
			s.sockets = append(s.sockets, socket)
		}
	}
	for key, socket := range old {
		if wanted[key] == nil {
			socket.close()
		}
	}
}

func (s *server) closeAll() {
	for _, socket := range s.sockets {
		socket.close()
	}
}

// removeOwn removes the file with the process ID, unless another server has
// written to it since.
func removeOwn(pidFile string) {
	text, err := os.ReadFile(pidFile)
	if err == nil && string(text) == fmt.Sprintln(os.Getpid()) {
		os.Remove(pidFile)
	}
}
