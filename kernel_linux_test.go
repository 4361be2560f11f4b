package fopnp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fopnp/internal/progtest"
)

// stamp has the kernel note when what a connection receives arrives.
func stamp(conn syscall.Conn) error {
	return errors.Join(keepStamping(), askForStamps(conn))
}

// keepStamping has the kernel note times until the test ends. It begins with that
// a moment after the first socket has asked for it, and that moment is waited for,
// and ends when the last socket that has asked is closed: these never are.
var keepStamping = sync.OnceValue(func() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	sender, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	receiver, err := listener.Accept()
	if err != nil {
		return err
	}
	neverClosed = []net.Conn{sender, receiver}
	err = errors.Join(askForStamps(receiver.(*net.TCPConn)), receiver.SetDeadline(time.Now().Add(progtest.Patience)))
	if err != nil {
		return err
	}
	err = errNoStamp
	for err == errNoStamp {
		if _, err := sender.Write([]byte("what time is it?")); err != nil {
			return err
		}
		_, _, err = receive(receiver.(*net.TCPConn), make([]byte, 16))
	}
	return err
})

var neverClosed []net.Conn

var errNoStamp = errors.New("the kernel did not say when it came")

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

// receive reads from a stamped connection, and returns also when the last byte
// of what it read arrived: however late we come to read it.
func receive(conn syscall.Conn, buffer []byte) (n int, arrived time.Time, err error) {
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
	if err == nil {
		err = errNoStamp
	}
	return 0, time.Time{}, err
}

// taken waits until the other side of a connection has read all that this side
// has sent: until nothing is left in the receive queue that the kernel lists
// for it. On loopback what was sent is in that queue at once.
func taken(conn net.Conn) error {
	ours := conn.LocalAddr().(*net.TCPAddr).AddrPort()
	theirs := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	patience := time.After(progtest.Patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		queues, err := queues(theirs, ours)
		if err != nil || strings.HasSuffix(queues, ":00000000") {
			return err
		}
		select {
		case <-tick.C:
		case <-patience:
			return fmt.Errorf("the server has not read what %v said", ours)
		}
	}
}

// queues returns the lengths of the send and receive queues of the connection
// from local to peer, as /proc/net/tcp has them: "00000000:00000016".
func queues(local, peer netip.AddrPort) (string, error) {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range strings.Lines(string(text)) {
			// sl local_address rem_address st tx_queue:rx_queue ...
			f := strings.Fields(line)
			if len(f) > 4 && strings.HasSuffix(f[1], hexPort(local)) && strings.HasSuffix(f[2], hexPort(peer)) {
				return f[4], nil
			}
		}
	}
	return "", fmt.Errorf("no connection from %v to %v", local, peer)
}

func hexPort(a netip.AddrPort) string { return fmt.Sprintf(":%04X", a.Port()) }
