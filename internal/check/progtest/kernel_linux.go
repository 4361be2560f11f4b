package progtest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"fopnp/internal/check/kernel"

	"golang.org/x/sys/unix"
)

// Stamp makes the kernel record when the bytes of a connection arrive. Receive
// returns these times.
func Stamp(conn syscall.Conn) error {
	if _, err := stamping(); err != nil {
		return err
	}
	return askForStamps(conn)
}

// stamping waits until the kernel records arrival times. The kernel begins a
// little after the first socket has asked for it, and goes on as long as such a
// socket is open. So stamping keeps a connection open.
var stamping = sync.OnceValues(func() (kept [2]net.Conn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return kept, err
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return kept, err
	}
	peer, err := listener.Accept()
	if err != nil {
		return kept, err
	}
	if err := askForStamps(conn.(syscall.Conn)); err != nil {
		return kept, err
	}
	for err = errNoStamp; err == errNoStamp; {
		if _, err := peer.Write([]byte{0}); err != nil {
			return kept, err
		}
		_, _, err = Receive(conn.(syscall.Conn), make([]byte, 1))
	}
	return [2]net.Conn{conn, peer}, err
})

func askForStamps(conn syscall.Conn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	return errors.Join(err, controlErr)
}

var errNoStamp = errors.New("the kernel did not record the time of arrival")

// Receive reads from a connection after Stamp. It also returns when the last
// byte that it read arrived, however late it reads.
func Receive(conn syscall.Conn, buffer []byte) (n int, arrived time.Time, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, time.Time{}, err
	}
	control := make([]byte, 128)
	var length int
	readErr := raw.Read(func(fd uintptr) bool {
		n, length, _, _, err = unix.Recvmsg(int(fd), buffer, control, 0)
		return err != unix.EAGAIN
	})
	if readErr != nil || err != nil {
		return 0, time.Time{}, errors.Join(readErr, err)
	}
	if n == 0 {
		return 0, time.Time{}, io.EOF
	}
	messages, err := unix.ParseSocketControlMessage(control[:length])
	for _, m := range messages {
		if m.Header.Type == unix.SCM_TIMESTAMPNS {
			at := (*unix.Timespec)(unsafe.Pointer(unsafe.SliceData(m.Data)))
			return n, time.Unix(at.Unix()), nil
		}
	}
	return 0, time.Time{}, cmp.Or(err, errNoStamp)
}

// Taken waits until the peer of a connection has read all that this side has
// sent, which is when the peer's receive queue is empty. On loopback, sent
// bytes are in that queue at once.
func Taken(conn net.Conn) error {
	patience := time.After(Patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		side, err := otherSide(conn)
		if err != nil || side.Unread == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-patience:
			return fmt.Errorf("the server has not read what %v sent", conn.LocalAddr())
		}
	}
}

func otherSide(conn net.Conn) (kernel.Side, error) {
	ours := conn.LocalAddr().(*net.TCPAddr).AddrPort()
	theirs := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	return kernel.SideOf(theirs, ours)
}

// Narrow makes the kernel's buffers small for the clients that a program will
// accept. If the program already has a connection, the connection gets a small
// send buffer, and a receive buffer that does not grow. A receive buffer must
// not shrink, because the peer already knows its size.
func Narrow(program *Server) error {
	const asItIs, small, oneSegment = 64 << 10, 4 << 10, 536
	return program.EachDescriptor(func(fd int) {
		// This fails if the descriptor is not a socket.
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, small)
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, asItIs)
		if listens, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); listens == 1 {
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, small)
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, oneSegment)
		}
	})
}

// A State is what the kernel knows about a program's side of a connection.
type State struct {
	Unsent, Unread int  // bytes
	Denied         bool // the kernel has probed the peer's window, and it was closed
}

// Stuck waits until nothing moves on the connection of each program, which must
// have only one: the program has bytes to send for which its peer has no room,
// and it does not read the bytes that have arrived.
func Stuck(programs ...*Server) ([]State, error) {
	patience := time.After(Patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	sides := make([]State, len(programs))
	for {
		stuck := true
		for i, program := range programs {
			now, err := stateOf(program)
			if err != nil {
				return nil, err
			}
			stuck = stuck && now == sides[i] && now.Unsent > 0 && now.Unread > 0 && now.Denied
			sides[i] = now
		}
		if stuck {
			return sides, nil
		}
		select {
		case <-tick.C:
		case <-patience:
			return nil, fmt.Errorf("the programs are not stuck: %+v", sides)
		}
	}
}

// stateOf returns the state of a program's only connection.
func stateOf(program *Server) (s State, err error) {
	const established = 1
	err = program.EachDescriptor(func(fd int) {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil && info.State == established {
			s = State{kernel.Unsent(fd), kernel.Unread(fd), info.Backoff > 0}
		}
	})
	return s, err
}

// Bereave kills the child of server that serves the client conn. This is the
// process with a descriptor of the peer's socket. The server itself may still
// have one, too.
func Bereave(server *Server, conn net.Conn) error {
	side, err := otherSide(conn)
	if err != nil {
		return err
	}
	descriptors, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return err
	}
	for _, d := range descriptors {
		pid, _ := strconv.Atoi(strings.Split(d, "/")[2])
		if file, _ := os.Readlink(d); file == fmt.Sprintf("socket:[%d]", side.Inode) && pid != server.Pid {
			return unix.Kill(pid, unix.SIGKILL)
		}
	}
	return fmt.Errorf("no child serves %v", conn.LocalAddr())
}

// StayOnOneProcessor binds the goroutine to its thread, and the thread to one
// of the processors that it may run on. The thread ends with the goroutine.
func StayOnOneProcessor() error {
	runtime.LockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for i := 0; one.Count() < min(1, all.Count()); i++ {
		if all.IsSet(i) {
			one.Set(i)
		}
	}
	return unix.SchedSetaffinity(0, &one)
}
