package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Side is one end of a TCP connection, as the kernel sees it.
type Side struct {
	Unread   uint32 // bytes that have arrived and that no process has read
	Unsent   uint32 // bytes that a process has written and the peer has not acknowledged
	Received uint64 // bytes that have arrived since the connection began
	Full     bool   // the send buffer is so full that poll(2) does not report it as writable
	Denied   bool   // the kernel has probed the peer's window since it last had room there
	ShutDown bool   // its process sends no more
	Closed   bool   // every process has closed it
	Owes     bool   // bytes have arrived since its process last sent some
	Inode    uint32 // of the socket: /proc/PID/fd/N leads to "socket:[INODE]"; 0 if no process has it
}

// ErrNoSide is the error of SideOf for a connection that the kernel does not know.
var ErrNoSide = errors.New("the kernel knows no such connection")

// SideOf asks the kernel for one end of an IPv4 connection: the one at the
// address local, connected to peer, whichever process holds it. The kernel
// finds it at once, but /proc/net/tcp lists all connections, and a busy machine
// has thousands. The error is ErrNoSide if there is no such connection.
//
// Source: sock_diag(7)
func SideOf(local, peer netip.AddrPort) (Side, error) {
	fd, err := openDiag()
	if err != nil {
		return Side{}, err
	}
	defer unix.Close(fd)
	err = sendRequest(fd, unix.NLM_F_REQUEST, request{
		family: unix.AF_INET, protocol: unix.IPPROTO_TCP, states: ^uint32(0), id: newID(local, peer),
		extensions: 1<<(tcpInfo-1) | 1<<(memory-1),
	})
	if err != nil {
		return Side{}, err
	}
	var answer struct {
		header unix.NlMsghdr
		answer
		attributes [4096]byte
	}
	buffer := unsafe.Slice((*byte)(unsafe.Pointer(&answer)), unsafe.Sizeof(answer))
	if _, _, err := unix.Recvfrom(fd, buffer, 0); err != nil {
		return Side{}, fmt.Errorf("sock_diag: %w", err)
	}
	switch {
	case answer.header.Type == unix.SOCK_DIAG_BY_FAMILY:
	case unix.Errno(-*(*int32)(unsafe.Pointer(&answer.answer))) == unix.ENOENT:
		return Side{}, ErrNoSide
	default:
		return Side{}, fmt.Errorf("sock_diag: %w", unix.Errno(-*(*int32)(unsafe.Pointer(&answer.answer))))
	}
	if answer.state == listening && peer.Port() != 0 { // if the connection is gone, the kernel finds the listener
		return Side{}, ErrNoSide
	}
	side := answer.side()
	length := int(answer.header.Len) - int(unsafe.Offsetof(answer.attributes))
	side.read(answer.attributes[:max(0, min(length, len(answer.attributes)))])
	return side, nil
}

// openDiag opens a netlink socket to the kernel's socket diagnostics.
func openDiag() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return -1, fmt.Errorf("sock_diag: %w", err)
	}
	return fd, nil
}

// sendRequest asks the kernel, with flags of netlink(7).
func sendRequest(fd int, flags uint16, r request) error {
	message := struct {
		header unix.NlMsghdr
		request
	}{request: r}
	size := unsafe.Sizeof(message)
	message.header = unix.NlMsghdr{Len: uint32(size), Type: unix.SOCK_DIAG_BY_FAMILY, Flags: flags}
	sent := unsafe.Slice((*byte)(unsafe.Pointer(&message)), size)
	if err := unix.Sendto(fd, sent, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("sock_diag: %w", err)
	}
	return nil
}

// The states of a socket.
const established, finWait1, finWait2, closeWait, listening = 1, 4, 5, 8, 10

// side returns what an answer says without its attributes.
func (a *answer) side() Side {
	side := Side{Unread: a.unread, Unsent: a.unsent, Inode: a.inode}
	side.ShutDown = a.state == finWait1 || a.state == finWait2
	switch a.state {
	case established, closeWait: // no process has it before it is accepted
	case listening:
	default:
		side.Closed = side.Inode == 0
	}
	return side
}

// Waiting returns how many of the bytes that a server has had to send to a
// client wait in the server, because the kernel has no room for them. It returns
// 0 if the server has reset the connection.
func Waiting(server, client netip.AddrPort, sent int) (int, error) {
	ours, err := SideOf(client, server)
	if err == ErrNoSide {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	theirs, err := SideOf(server, client)
	if err == ErrNoSide {
		err = nil // closed, and nothing is unsent
	}
	return sent - int(ours.Received) - int(theirs.Unsent), err
}

// These attributes are in an answer if the request asks for them:
// INET_DIAG_INFO, which is struct tcp_info, and INET_DIAG_SKMEMINFO, which is
// an array of uint32.
const (
	tcpInfo = 2
	memory  = 7

	sendBuffer = 3 // SK_MEMINFO_SNDBUF: how many bytes it may have
	queued     = 5 // SK_MEMINFO_WMEM_QUEUED: how many it has
)

// read reads the attributes of an answer.
func (s *Side) read(attributes []byte) {
	const header = 4
	for len(attributes) > header {
		length := int(binary.NativeEndian.Uint16(attributes))
		kind := binary.NativeEndian.Uint16(attributes[2:])
		if length < header || length > len(attributes) {
			return
		}
		value := attributes[header:length]
		switch {
		case kind == tcpInfo:
			var info unix.TCPInfo
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info)), value)
			s.Received, s.Denied = info.Bytes_received, info.Backoff > 0
			// They are ages, in ticks of the kernel. A connection begins as if it had just
			// sent, and the first bytes may come in the same tick.
			s.Owes = s.Received > 0 && (info.Bytes_sent == 0 || info.Last_data_recv < info.Last_data_sent)
		case kind == memory && len(value) >= 4*(queued+1):
			word := func(i int) uint32 { return binary.NativeEndian.Uint32(value[4*i:]) }
			s.Full = word(queued)+word(queued)/2 > word(sendBuffer) // sk_stream_is_writeable
		}
		attributes = attributes[min((length+3)&^3, len(attributes)):]
	}
}

// request is the kernel's struct inet_diag_req_v2.
type request struct {
	family, protocol, extensions, _ uint8
	states                          uint32
	id
}

// answer is its struct inet_diag_msg.
type answer struct {
	family, state, timer, retransmits uint8
	id
	expires, unread, unsent, user, inode uint32
}

// id is its struct inet_diag_sockid. Ports and addresses are in network order.
type id struct {
	localPort, peerPort [2]byte
	local, peer         [16]byte
	device              uint32
	cookie              [2]uint32
}

func newID(local, peer netip.AddrPort) (i id) {
	i.localPort = [2]byte{byte(local.Port() >> 8), byte(local.Port())}
	i.peerPort = [2]byte{byte(peer.Port() >> 8), byte(peer.Port())}
	*(*[4]byte)(i.local[:]) = local.Addr().Unmap().As4()
	*(*[4]byte)(i.peer[:]) = peer.Addr().Unmap().As4()
	i.cookie = [2]uint32{^uint32(0), ^uint32(0)} // none
	return i
}
