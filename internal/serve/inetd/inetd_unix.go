//go:build unix

package inetd

import (
	"errors"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var (
	taken       = -1      // the socket, or none
	name        = "stdin" // what errors call the socket
	wasBlocking bool      // when the super-server handed it over
)

// Why a socket is refused.
var (
	errNoSocket     = errors.New("not a socket; inetd starts this program")
	errNotStream    = errors.New("not a stream socket")
	errNotConnected = errors.New("not connected")
	errListener     = errors.New("a listener; the service must be nowait")
	errNoListener   = errors.New("not a listener; the service must be wait")
)

// init runs before anything else in the program that could print.
func init() {
	pid, _ := strconv.Atoi(os.Getenv("LISTEN_PID"))
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if pid == os.Getpid() && n > 0 && isSocket(3) {
		taken, name = 3, "descriptor 3"
		unix.CloseOnExec(taken)
	} else if isSocket(0) {
		// Without a free descriptor, the program cannot serve anybody.
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			os.Exit(1)
		}
		taken, name = fd, "descriptor 0"
	} else {
		return
	}
	if err := pointElsewhere(); err != nil {
		os.Exit(1)
	}
	flags, err := unix.FcntlInt(uintptr(taken), unix.F_GETFL, 0)
	wasBlocking = err == nil && flags&unix.O_NONBLOCK == 0

	// Go ends a program that writes to a pipe without a reader, if the pipe is
	// descriptor 1 or 2. Here it is only the log, and clients come first.
	signal.Ignore(unix.SIGPIPE)
}

// pointElsewhere points those of the descriptors 0 to 2 that are the socket to
// /dev/null, so that closing taken closes the connection. A descriptor may be
// another socket: systemd's journal is one.
func pointElsewhere() error {
	nothing, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(nothing)
	for fd := range 3 {
		if same(fd, taken) {
			if err := dup(nothing, fd); err != nil {
				return err
			}
		}
	}
	return nil
}

func isSocket(fd int) bool {
	_, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil
}

// same reports whether two descriptors are one socket.
func same(fd1, fd2 int) bool {
	var stat1, stat2 unix.Stat_t
	if unix.Fstat(fd1, &stat1) != nil || unix.Fstat(fd2, &stat2) != nil {
		return false
	}
	return stat1.Dev == stat2.Dev && stat1.Ino == stat2.Ino
}

// check returns nil if the socket is a stream socket, and listens if and only
// if wantListener. Otherwise it takes the client or datagram that waits there off the queue.
func check(wantListener bool) error {
	if taken < 0 {
		return errNoSocket
	}
	kind, err := unix.GetsockoptInt(taken, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	accepts, err := unix.GetsockoptInt(taken, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return os.NewSyscallError("getsockopt", err)
	}
	isListener := accepts != 0
	switch {
	case kind != unix.SOCK_STREAM:
		err = errNotStream
	case isListener && !wantListener:
		err = errListener
	case !isListener && wantListener:
		err = errNoListener
	default:
		return nil
	}
	dismiss(isListener)
	return err
}

// dismiss accepts the client that waits at a listener, and the program's exit
// closes that connection. From any other socket it discards the datagram that
// waits there. It does not wait if another process has been faster.
func dismiss(isListener bool) {
	if !isListener {
		unix.Recvfrom(taken, make([]byte, 1), unix.MSG_DONTWAIT)
		return
	}
	unix.SetNonblock(taken, true)
	unix.Accept(taken)
	restore(uintptr(taken))
}

// restore makes the socket blocking again, if it was. The super-server has the
// same socket, so the mode applies there as well.
func restore(fd uintptr) {
	if wasBlocking {
		unix.SetNonblock(int(fd), false)
	}
}

func connection() (net.Conn, error) {
	if err := check(false); err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(taken), name)
	defer file.Close() // package net has its own descriptor
	opened, err := net.FileConn(file)
	if err != nil {
		restore(uintptr(taken))
		return nil, err
	}
	conn := conn{opened.(streamConn)}
	if conn.RemoteAddr() == nil {
		defer conn.Close()
		return nil, whyNotConnected()
	}
	return conn, nil
}

// whyNotConnected returns why the socket has no peer. If it had one, the kernel
// still knows how the peer left: usually by a reset.
func whyNotConnected() error {
	errno, err := unix.GetsockoptInt(taken, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		return syscall.Errno(errno)
	}
	return errNotConnected
}

func listener() (net.Listener, error) {
	if err := check(true); err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(taken), name)
	defer file.Close() // package net has its own descriptor
	opened, err := net.FileListener(file)
	if err != nil {
		restore(uintptr(taken))
		return nil, err
	}
	return socketListener{opened.(streamListener)}, nil
}

// A conn is a connection whose Close restores the socket.
type conn struct{ streamConn }

// A streamConn is a *net.TCPConn or a *net.UnixConn.
type streamConn interface {
	net.Conn
	syscall.Conn
	CloseRead() error
	CloseWrite() error
}

func (c conn) Close() error {
	if raw, err := c.SyscallConn(); err == nil {
		raw.Control(restore)
	}
	return c.streamConn.Close()
}

// A socketListener is a listener whose Close restores the socket.
type socketListener struct{ streamListener }

// A streamListener is a *net.TCPListener or a *net.UnixListener.
type streamListener interface {
	net.Listener
	syscall.Conn
	SetDeadline(time.Time) error
}

func (l socketListener) Close() error {
	if raw, err := l.SyscallConn(); err == nil {
		raw.Control(restore)
	}
	return l.streamListener.Close()
}

func openLog(path string) error {
	if taken < 0 {
		return nil // there is no client, and the terminal gets the error
	}
	// O_NONBLOCK: a pipe that nobody reads must not block the program.
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|
		unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0o644)
	if err == unix.ELOOP {
		return errors.New("is a symbolic link")
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, printed := range []int{1, 2} {
		if err := dup(fd, printed); err != nil {
			return err
		}
	}

	// Package os waits for room in a pipe if the descriptor was non-blocking
	// when it became an os.File. Otherwise it drops what does not fit.
	unix.SetNonblock(fd, false)
	defer unix.SetNonblock(fd, true)
	inherited = append(inherited, os.Stdout, os.Stderr)
	os.Stdout, os.Stderr = os.NewFile(1, "stdout"), os.NewFile(2, "stderr")
	return nil
}

// inherited keeps these files, because the garbage collector would close them
// otherwise.
var inherited []*os.File
