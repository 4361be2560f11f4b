package kernel

import (
	"net"
	"testing"
)

func TestSideOf(t *testing.T) {
	listener, err := net.Listen("tcp", "") // of both families
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
	if side, err := SideOf(theirs, ours); err != nil || side.Unread != 4 || side.Inode == 0 {
		t.Errorf("the other side: %+v, %v", side, err)
	}
	if side, err := SideOf(ours, theirs); err != nil || side.Unread != 0 {
		t.Errorf("our side: %+v, %v", side, err)
	}
	if side, err := SideOf(ours, ours); err == nil {
		t.Errorf("a side of nothing: %+v", side)
	}
}
