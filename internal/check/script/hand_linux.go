package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
)

// A script can play a super-server, which starts a program with a socket:
//
//	socket KIND NAME      open a socket and call it NAME
//	nonblocking NAME      make the socket non-blocking
//	keep NAME             keep our own descriptor of the socket open after hand
//	pipe NAME             make a named pipe, which the script reads
//	fill NAME             write to the pipe until it is full
//	abandon NAME          stop reading the pipe
//	hand WHAT PROGRAM ARG...
//	                      start a program whose descriptors 0 to 2 are WHAT
//	signal PROGRAM SIGNAL send it a signal, such as TERM
//	ends PROGRAM STATUS   wait until it exits with this status; what it has
//	                      printed is then in stdout and stderr
//	holds PROGRAM NAME N  check that the program has N descriptors of a socket
//	blocking NAME         check that our descriptor of the socket is blocking
//	ready NAME            wait until a client or a datagram waits at our
//	                      descriptor of the socket, as inetd does before it
//	                      starts a program
//	idle NAME             check that none waits there
//
// KIND is one of these:
//
//	connection       TCP over 127.0.0.1. The peer is the client NAME
//	connection6      the same over ::1
//	unix             a connection of Unix sockets. The peer is the client NAME
//	seqpacket        the same, but it keeps messages apart and has no client
//	unconnected      a TCP socket without a peer
//	listener         a TCP listener. Its port becomes $PORT
//	unix-listener    a Unix listener at the file NAME. The client NAME waits
//	datagrams        a UDP socket. Its port becomes $PORT
//
// WHAT is the NAME of a socket or a pipe. To pass other descriptors, say which:
// "hand 3=NAME", "hand 012=NAME 3=OTHER". A program that gets descriptor 3 also
// gets systemd's variables: LISTEN_FDS, and LISTEN_PID with its own process id,
// unless the script has set LISTEN_PID. If descriptor 1 or 2 is not passed, the
// ends command collects what the program prints there.
//
// The command hand closes our descriptor of a connection, as inetd does. It
// never closes listeners and UDP sockets, because inetd keeps them.
//
// Clients have more commands than in other scripts:
//
//	finish NAME      shut down the sending side, after the last question
//	reset NAME       reset the connection, as a crash would, and wait until the
//	                 reset has arrived at our descriptor, if that is open
//	over NAME        wait until the program hangs up; the client must have
//	                 received nothing since the last hear
//	segments NAME N  check that all that the client has received arrived in N
//	                 segments
var handCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"socket": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2, 2, "socket KIND NAME")
		ts.Check(handsOf(ts).openSocket(ts, args[0], args[1]))
	},
	"keep": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "keep NAME")
		handsOf(ts).file(ts, args[0]).kept = true
	},
	"pipe": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "pipe NAME")
		ts.Check(handsOf(ts).pipe(args[0], ts.MkAbs(args[0])))
	},
	"fill": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "fill NAME")
		fd := int(handsOf(ts).file(ts, args[0]).Fd())
		ts.Check(unix.SetNonblock(fd, true))
		var err error
		for room := make([]byte, 1<<16); err == nil; {
			_, err = unix.Write(fd, room)
		}
		if err != unix.EAGAIN {
			ts.Check(err)
		}
	},
	"nonblocking": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "nonblocking NAME")
		ts.Check(unix.SetNonblock(int(handsOf(ts).file(ts, args[0]).Fd()), true))
	},
	"abandon": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "abandon NAME")
		ts.Check(handsOf(ts).file(ts, args[0]).reader.Close())
	},
	"hand": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2, 99, "hand WHAT PROGRAM ARG...")
		ts.Check(handsOf(ts).start(ts, args))
	},
	"signal": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2, 2, "signal PROGRAM SIGNAL")
		number := unix.SignalNum("SIG" + args[1])
		if number == 0 {
			ts.Fatalf("unknown signal %s", args[1])
		}
		ts.Check(handsOf(ts).program(ts, args[0]).cmd.Process.Signal(number))
	},
	"ends": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2, 2, "ends PROGRAM STATUS")
		p := handsOf(ts).program(ts, args[0])
		delete(handsOf(ts).programs, args[0])
		status := p.wait()
		ts.Stdout().Write(p.stdout.Bytes())
		ts.Stderr().Write(p.stderr.Bytes())
		if status != args[1] {
			ts.Fatalf("%s ends with %s", args[0], status)
		}
	},
	"holds": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 3, 3, "holds PROGRAM NAME N")
		h := handsOf(ts)
		n, err := h.program(ts, args[0]).count(h.file(ts, args[1]).target)
		ts.Check(err)
		if strconv.Itoa(n) != args[2] {
			ts.Fatalf("%s has %d descriptors of %s", args[0], n, args[1])
		}
	},
	"blocking": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "blocking NAME")
		flags, err := unix.FcntlInt(handsOf(ts).file(ts, args[0]).Fd(), unix.F_GETFL, 0)
		ts.Check(err)
		if flags&unix.O_NONBLOCK != 0 {
			ts.Fatalf("%s is no longer blocking", args[0])
		}
	},
	"ready": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "ready NAME")
		ts.Check(handsOf(ts).file(ts, args[0]).arrives(unix.POLLIN, "a client or a datagram"))
	},
	"idle": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "idle NAME")
		fds := []unix.PollFd{{Fd: int32(handsOf(ts).file(ts, args[0]).Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		ts.Check(err)
		if n != 0 {
			ts.Fatalf("%s is ready: inetd would start the program again", args[0])
		}
	},
	"finish": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "finish NAME")
		ts.Check(clientOf(ts, args[0]).CloseWrite())
	},
	"reset": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "reset NAME")
		c := clientOf(ts, args[0])
		ts.Check(c.stream.(*net.TCPConn).SetLinger(0))
		ts.Check(c.Close())
		if file := handsOf(ts).files[args[0]]; file != nil {
			ts.Check(file.arrives(unix.POLLERR, "the reset"))
		}
	},
	"over": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "over NAME")
		ts.Check(clientsOf(ts).over(clientOf(ts, args[0])))
	},
	"segments": func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 2, 2, "segments NAME N")
		n, err := segments(clientOf(ts, args[0]))
		ts.Check(err)
		if strconv.Itoa(n) != args[1] {
			ts.Fatalf("%s has received %d segments", args[0], n)
		}
	},
}

func init() {
	maps.Copy(commands, handCommands)
	setups = append(setups, newHands)
}

type handsKey struct{}

// hands are what a script passes to programs, and the programs that it has
// started in this way.
type hands struct {
	env      *testscript.Env
	files    map[string]*handed
	programs map[string]*handedTo
	open     []io.Closer // until the script ends
}

// A handed is a socket or a pipe that a script can pass to a program.
type handed struct {
	*os.File
	target string   // what /proc calls it
	kept   bool     // the command hand does not close it
	reader *os.File // of a pipe
}

// arrives waits until the kernel reports events at our descriptor of a socket, because
// what names has arrived. If hand has closed our descriptor, arrives does nothing.
func (h *handed) arrives(events int16, what string) error {
	const closed = ^uintptr(0)
	if h.Fd() == closed {
		return nil
	}
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(h.Fd()), Events: events}}, int(progtest.Patience.Milliseconds()))
		switch {
		case err == unix.EINTR: // by a signal of Go's runtime
		case n == 0 && err == nil:
			return fmt.Errorf("%s does not arrive", what)
		default:
			return err
		}
	}
}

// A handedTo is a program that was started with sockets or pipes.
type handedTo struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	exited         chan struct{} // closed when it has exited
}

// newHands prepares a script to play a super-server.
func newHands(env *testscript.Env) {
	h := &hands{env: env, files: map[string]*handed{}, programs: map[string]*handedTo{}}
	env.Values[handsKey{}] = h
	env.Defer(func() {
		for _, open := range h.open {
			open.Close()
		}
		for name, p := range h.programs {
			p.cmd.Process.Kill()
			<-p.exited
			defer env.T().Fatal("the script does not wait for " + name + " with ends")
		}
	})
}

func handsOf(ts *testscript.TestScript) *hands { return ts.Value(handsKey{}).(*hands) }

func (h *hands) file(ts *testscript.TestScript, name string) *handed {
	file := h.files[name]
	if file == nil {
		ts.Fatalf("there is no socket or pipe %s", name)
	}
	return file
}

func (h *hands) program(ts *testscript.TestScript, name string) *handedTo {
	p := h.programs[name]
	if p == nil {
		ts.Fatalf("%s was not started with hand", name)
	}
	return p
}

// add gives an open descriptor a name.
func (h *hands) add(name string, fd int) *handed {
	file := &handed{File: os.NewFile(uintptr(fd), name)}
	file.target, _ = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	h.files[name] = file
	h.open = append(h.open, file)
	return file
}

// openSocket opens a socket of a kind. It is blocking, as in a super-server.
func (h *hands) openSocket(ts *testscript.TestScript, kind, name string) error {
	const stream, datagram = unix.SOCK_STREAM, unix.SOCK_DGRAM
	loopback := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	switch kind {
	case "connection":
		return h.connection(ts, name, unix.AF_INET, loopback)
	case "connection6":
		return h.connection(ts, name, unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}})
	case "unix":
		fds, err := unix.Socketpair(unix.AF_UNIX, stream|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		h.add(name, fds[0])
		file := os.NewFile(uintptr(fds[1]), name)
		defer file.Close() // because package net makes its own descriptor
		conn, err := net.FileConn(file)
		if err != nil {
			return err
		}
		return clientsOf(ts).add(name, conn.(*net.UnixConn))
	case "seqpacket":
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		h.add(name, fds[0])
		h.add(name+" peer", fds[1])
		return nil
	case "unconnected":
		fd, err := unix.Socket(unix.AF_INET, stream|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		h.add(name, fd)
		return nil
	case "listener":
		fd, address, err := bound(unix.AF_INET, stream, loopback)
		if err != nil {
			return err
		}
		h.add(name, fd).kept = true
		ts.Setenv("PORT", portOf(address))
		return unix.Listen(fd, 16)
	case "unix-listener":
		path := ts.MkAbs(name)
		fd, _, err := bound(unix.AF_UNIX, stream, &unix.SockaddrUnix{Name: path})
		if err != nil {
			return err
		}
		h.add(name, fd).kept = true
		if err := unix.Listen(fd, 16); err != nil {
			return err
		}
		conn, err := net.Dial("unix", path)
		if err != nil {
			return err
		}
		return clientsOf(ts).add(name, conn.(*net.UnixConn))
	case "datagrams":
		fd, address, err := bound(unix.AF_INET, datagram, loopback)
		if err != nil {
			return err
		}
		h.add(name, fd).kept = true
		ts.Setenv("PORT", portOf(address))
		return nil
	}
	return fmt.Errorf("unknown kind of socket: %s", kind)
}

// bound opens a socket, binds it to an address, and returns the address with
// its port.
func bound(domain, kind int, address unix.Sockaddr) (int, unix.Sockaddr, error) {
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, nil, err
	}
	if err := unix.Bind(fd, address); err != nil {
		unix.Close(fd)
		return -1, nil, err
	}
	address, err = unix.Getsockname(fd)
	return fd, address, err
}

// connection connects the client name and accepts it, as a super-server does.
func (h *hands) connection(ts *testscript.TestScript, name string, domain int, address unix.Sockaddr) error {
	listener, address, err := bound(domain, unix.SOCK_STREAM, address)
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	if err := unix.Listen(listener, 1); err != nil {
		return err
	}
	host := map[int]string{unix.AF_INET: "127.0.0.1", unix.AF_INET6: "::1"}[domain]
	conn, err := net.Dial("tcp", net.JoinHostPort(host, portOf(address)))
	if err != nil {
		return err
	}
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return err
	}
	h.add(name, fd)
	return clientsOf(ts).add(name, conn.(*net.TCPConn))
}

func portOf(address unix.Sockaddr) string {
	if address, ok := address.(*unix.SockaddrInet6); ok {
		return strconv.Itoa(address.Port)
	}
	return strconv.Itoa(address.(*unix.SockaddrInet4).Port)
}

// pipe makes a named pipe and opens both ends.
func (h *hands) pipe(name, path string) error {
	if err := unix.Mkfifo(path, 0o666); err != nil {
		return err
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	h.open = append(h.open, reader)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	h.add(name, fd).reader = reader
	return nil
}

// start starts a program with the descriptors that the first words name.
func (h *hands) start(ts *testscript.TestScript, words []string) error {
	var descriptors [4]*os.File
	for isWhat.MatchString(words[0]) || h.files[words[0]] != nil {
		numbers, name, found := strings.Cut(words[0], "=")
		if !found {
			numbers, name = "012", words[0]
		}
		for _, number := range numbers {
			descriptors[number-'0'] = h.file(ts, name).File
		}
		if file := h.file(ts, name); !file.kept {
			defer file.Close()
		}
		if words = words[1:]; len(words) == 0 {
			return errors.New("the command names no program")
		}
	}
	if h.programs[words[0]] != nil {
		return fmt.Errorf("%s is already running", words[0])
	}
	p := &handedTo{exited: make(chan struct{})}
	program := append([]string{filepath.Join(progtest.Bin(), words[0])}, words[1:]...)
	if descriptors[3] != nil {
		// Only the program itself knows its process id.
		program = append([]string{"sh", "-c",
			`LISTEN_PID=${LISTEN_PID:-$$} LISTEN_FDS=1 exec "$0" "$@"`}, program...)
	}
	p.cmd = exec.Command(program[0], program[1:]...)
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Env = append(h.env.Vars, "LISTEN_PID="+ts.Getenv("LISTEN_PID"))
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if descriptors[0] != nil {
		p.cmd.Stdin = descriptors[0]
	}
	if descriptors[1] != nil {
		p.cmd.Stdout = descriptors[1]
	}
	if descriptors[2] != nil {
		p.cmd.Stderr = descriptors[2]
	}
	if descriptors[3] != nil {
		p.cmd.ExtraFiles = descriptors[3:]
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	h.programs[words[0]] = p
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	return nil
}

// isWhat matches a WHAT that begins with the numbers of descriptors.
var isWhat = regexp.MustCompile("^[0-3]+=")

// wait waits until the program exits. It returns the status, or says which
// signal ended the program.
func (p *handedTo) wait() string {
	select {
	case <-p.exited:
		if p.cmd.ProcessState.Exited() {
			return strconv.Itoa(p.cmd.ProcessState.ExitCode())
		}
		return p.cmd.ProcessState.String() // such as "signal: killed"
	case <-time.After(progtest.Patience):
		p.cmd.Process.Kill()
		<-p.exited
		return "SIGKILL, because it did not exit"
	}
}

// count returns how many descriptors of the program refer to target.
func (p *handedTo) count(target string) (n int, err error) {
	folder := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		if link, _ := os.Readlink(filepath.Join(folder, entry.Name())); link == target {
			n++
		}
	}
	return n, err
}

// over waits until the connection of a client is closed or broken. The client
// must have received nothing since the last hear.
func (c *clients) over(client *client) error {
	patience := time.AfterFunc(progtest.Patience, func() { client.SetReadDeadline(time.Now()) })
	defer patience.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for client.err == nil {
		c.changed.Wait()
	}
	if client.heard != "" || client.err != io.EOF && !errors.Is(client.err, unix.ECONNRESET) {
		return fmt.Errorf("received %q, then %v", client.heard, client.err)
	}
	return nil
}

// segments returns how many segments with data a client has received.
func segments(client *client) (n int, err error) {
	raw, err := client.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlErr := raw.Control(func(fd uintptr) {
		var info *unix.TCPInfo
		info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			n = int(info.Data_segs_in)
		}
	})
	return n, errors.Join(err, controlErr)
}
