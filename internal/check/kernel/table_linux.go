package kernel

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Socket is a TCP socket in the kernel's table: one that listens, or one end of a
// connection.
type Socket struct {
	Side               // if it listens, only Inode is set
	Port, Peer  uint16 // its own port and its peer's
	Listens     bool
	EndReceived bool // the peer has sent its FIN, which does not count as unread
}

// A Table lists all TCP sockets of the program's network namespace. You can ask
// it again and again. It is not safe for concurrent use.
//
// Source: sock_diag(7)
type Table struct {
	fd     int
	buffer []byte
}

// OpenTable opens a netlink socket to the kernel. Close closes it.
func OpenTable() (*Table, error) {
	fd, err := openDiag()
	if err != nil {
		return nil, err
	}
	return &Table{fd, make([]byte, 1<<16)}, nil
}

// Close closes the connection to the kernel.
func (t *Table) Close() error { return unix.Close(t.fd) }

// Sockets appends to sockets those that listen, and the ends of connections that
// the process has not closed, or from which the peer may still read.
func (t *Table) Sockets(sockets []Socket) ([]Socket, error) {
	return t.in(1<<established|1<<finWait1|1<<finWait2|1<<closeWait|1<<listening, sockets)
}

// Listeners is like Sockets, but appends only those that listen. It costs little.
// To find the others, the kernel walks through a table for all networks of the
// machine.
func (t *Table) Listeners(sockets []Socket) ([]Socket, error) {
	return t.in(1<<listening, sockets)
}

func (t *Table) in(states uint32, sockets []Socket) ([]Socket, error) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		err := sendRequest(t.fd, unix.NLM_F_REQUEST|unix.NLM_F_DUMP, request{
			family: family, protocol: unix.IPPROTO_TCP, extensions: 1 << (tcpInfo - 1),
			states: states,
		})
		if err != nil {
			return sockets, err
		}
		for done := false; !done; {
			n, _, err := unix.Recvfrom(t.fd, t.buffer, 0)
			if err == unix.EINTR {
				continue
			}
			if err == nil {
				sockets, done, err = readSockets(sockets, t.buffer[:n])
			}
			if err != nil {
				return sockets, fmt.Errorf("sock_diag: %w", err)
			}
		}
	}
	return sockets, nil
}

// readSockets appends the sockets in some messages. It reports whether the list
// ends there.
func readSockets(sockets []Socket, messages []byte) (all []Socket, done bool, err error) {
	const size = unix.SizeofNlMsghdr + int(unsafe.Sizeof(answer{}))
	for len(messages) >= unix.SizeofNlMsghdr {
		header := (*unix.NlMsghdr)(unsafe.Pointer(&messages[0]))
		length := int(header.Len)
		if length < unix.SizeofNlMsghdr || length > len(messages) {
			return sockets, true, unix.EBADMSG
		}
		switch {
		case header.Type == unix.NLMSG_DONE:
			return sockets, true, nil
		case header.Type == unix.NLMSG_ERROR && length >= unix.SizeofNlMsghdr+4:
			code := *(*int32)(unsafe.Pointer(&messages[unix.SizeofNlMsghdr]))
			return sockets, true, unix.Errno(-code)
		case header.Type != unix.SOCK_DIAG_BY_FAMILY || length < size:
			return sockets, true, unix.EBADMSG
		}
		found := (*answer)(unsafe.Pointer(&messages[unix.SizeofNlMsghdr]))
		sockets = append(sockets, newSocket(found, messages[size:length]))
		messages = messages[min((length+3)&^3, len(messages)):]
	}
	return sockets, false, nil
}

func newSocket(a *answer, attributes []byte) Socket {
	s := Socket{
		Port:    uint16(a.localPort[0])<<8 | uint16(a.localPort[1]),
		Peer:    uint16(a.peerPort[0])<<8 | uint16(a.peerPort[1]),
		Listens: a.state == listening,
	}
	if s.Listens {
		s.Inode = a.inode
		return s
	}
	s.Side = a.side()
	s.read(attributes)
	s.EndReceived = a.state == closeWait
	if s.EndReceived && s.Unread > 0 {
		s.Unread-- // the FIN has a sequence number of its own
	}
	return s
}
