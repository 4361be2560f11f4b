package socketserver

import (
	"testing"

	"golang.org/x/sys/unix"
)

// As many clients may wait as the server says, and many if it does not.
func TestRequestQueueSize(t *testing.T) {
	for _, size := range []int{5, 0} {
		s := &TCPServer{RequestQueueSize: size}
		if err := s.Bind(s, localhost, handlers["line"]); err != nil {
			t.Fatal(err)
		}
		defer s.ServerClose()
		if err := control(s.listener.Listener, func(fd uintptr) error {
			// Linux tells it in this place of a socket that listens.
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil && info.Sacked != uint32(size) && (size > 0 || info.Sacked <= 5) {
				t.Errorf("%d clients may wait, want %d", info.Sacked, size)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}
