//go:build unix

package inetd

import (
	"errors"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var (
	taken = -1      // the socket, or none
	name  = "stdin" // what the socket is called in complaints
)

var errNoSocket = errors.New("not a socket; inetd starts this program")

// init comes before anything else in the program that could print.
func init() {
	pid, _ := strconv.Atoi(os.Getenv("LISTEN_PID"))
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if pid == os.Getpid() && n > 0 && isSocket(3) {
		taken, name = 3, "descriptor 3"
		unix.CloseOnExec(taken)
	} else if isSocket(0) {
		// If there is no descriptor to be had, nobody can be served.
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
}

// pointElsewhere points those of the descriptors 0 to 2 that are the socket at
// nothing, so that the one that was taken is the only one left. Another socket
// may well be there: systemd's journal is one.
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

// same says whether two descriptors are one socket.
func same(fd1, fd2 int) bool {
	var stat1, stat2 unix.Stat_t
	if unix.Fstat(fd1, &stat1) != nil || unix.Fstat(fd2, &stat2) != nil {
		return false
	}
	return stat1.Dev == stat2.Dev && stat1.Ino == stat2.Ino
}

// listens tells a listener from a conversation.
func listens() (bool, error) {
	if taken < 0 {
		return false, errNoSocket
	}
	accepts, err := unix.GetsockoptInt(taken, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return accepts != 0, os.NewSyscallError("getsockopt", err)
}

func conversation() (net.Conn, error) {
	isListener, err := listens()
	if err != nil {
		return nil, err
	}
	if isListener {
		sendAway()
		return nil, ErrListener
	}
	wasBlocking := blocking()
	file := os.NewFile(uintptr(taken), name)
	defer file.Close() // net has made its own
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	return restored{conn, wasBlocking}, nil
}

// sendAway accepts the client that waits and hangs up on it. If another process
// was faster, there is none.
func sendAway() {
	if blocking() {
		unix.SetNonblock(taken, true)
		defer unix.SetNonblock(taken, false)
	}
	if client, _, err := unix.Accept(taken); err == nil {
		unix.Close(client)
	}
}

func listener() (net.Listener, error) {
	isListener, err := listens()
	if err != nil {
		return nil, err
	}
	if !isListener {
		return nil, ErrConversation
	}
	wasBlocking := blocking()
	file := os.NewFile(uintptr(taken), name)
	defer file.Close() // net has made its own
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	if unix, ok := listener.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false) // the super-server goes on listening there
	}
	return restoredListener{listener.(deadlined), wasBlocking}, nil
}

// deadlined is a listener whose Accept can be given a time.
type deadlined interface {
	net.Listener
	SetDeadline(time.Time) error
}

func blocking() bool {
	flags, err := unix.FcntlInt(uintptr(taken), unix.F_GETFL, 0)
	return err == nil && flags&unix.O_NONBLOCK == 0
}

// restored is a connection that is blocking again once it is closed.
type restored struct {
	net.Conn
	blocking bool
}

func (c restored) Close() error {
	if c.blocking {
		restore(c.Conn)
	}
	return c.Conn.Close()
}

// restoredListener is the same for a listener.
type restoredListener struct {
	deadlined
	blocking bool
}

func (l restoredListener) Close() error {
	if l.blocking {
		restore(l.deadlined)
	}
	return l.deadlined.Close()
}

func restore(socket any) {
	if c, ok := socket.(syscall.Conn); ok {
		if raw, err := c.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) { unix.SetNonblock(int(fd), false) })
		}
	}
}

func openLog(path string) error {
	if taken < 0 {
		return nil // nobody is served: all there is to say is for the terminal
	}
	// O_NONBLOCK: a pipe that nobody reads must not stop us.
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
	return nil
}
