package kernel

import (
	"io"
	"net"
	"testing"
	"time"
)

func TestSideOf(t *testing.T) {
	listener, err := net.Listen("tcp", "") // IPv4 and IPv6
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	ours, theirs := conn.LocalAddr().(*net.TCPAddr).AddrPort(), conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	if _, err := conn.Write([]byte("four")); err != nil {
		t.Fatal(err)
	}
	if side, err := SideOf(theirs, ours); err != nil || side.Unread != 4 || side.Received != 4 || side.Full || side.Denied || side.Inode == 0 {
		t.Errorf("the other side: %+v, %v", side, err)
	}
	if side, err := SideOf(ours, theirs); err != nil || side.Closed || side.Unread != 0 || side.Received != 0 {
		t.Errorf("our side: %+v, %v", side, err)
	}
	if side, err := SideOf(ours, ours); err != ErrNoSide {
		t.Errorf("a side of no connection: %+v, %v", side, err)
	}

	// We write until there is no room left. The kernel may make more, for a while.
	var side Side
	total := len("four")
	for giveUp := time.Now().Add(30 * time.Second); !side.Full && err == nil && time.Now().Before(giveUp); {
		conn.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
		n, _ := conn.Write(make([]byte, 1<<20))
		total += n
		side, err = SideOf(ours, theirs)
	}
	if err != nil || !side.Full || side.Unsent == 0 {
		t.Errorf("our side when it is full: %+v, %v", side, err)
	}
	peer.(*net.TCPConn).CloseWrite()
	if side, err := SideOf(theirs, ours); err != nil || side.Closed {
		t.Errorf("the other side when it is shut down: %+v, %v", side, err)
	}
	io.Copy(io.Discard, io.LimitReader(peer, int64(total)))
	peer.Close()
	// The kernel may have forgotten the connection already.
	if side, err := SideOf(theirs, ours); err != ErrNoSide && (err != nil || !side.Closed) {
		t.Errorf("the other side when it is closed: %+v, %v", side, err)
	}
}
