package socketserver

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The server sets how many clients may wait. By default, many may.
func TestRequestQueueSize(t *testing.T) {
	for _, size := range []int{5, 0} {
		s := &TCPServer{RequestQueueSize: size}
		if err := s.Bind(s, localhost, handlers["line"]); err != nil {
			t.Fatal(err)
		}
		defer s.ServerClose()
		if err := control(s.listener.Listener, func(fd uintptr) error {
			// For a listening socket, Linux returns the queue size in this
			// field.
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

// The same is true of Unix sockets, but Linux lets one more client wait.
func TestRequestQueueSizeUnix(t *testing.T) {
	const size = 2
	s := &UnixStreamServer{}
	s.RequestQueueSize = size
	path := filepath.Join(folder(t), "path")
	if err := s.Bind(s, path, handlers["line"]); err != nil {
		t.Fatal(err)
	}
	defer s.ServerClose()
	for waiting := 0; ; waiting++ {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		if err == unix.EAGAIN {
			if waiting != size+1 {
				t.Errorf("%d clients wait, want %d", waiting, size+1)
			}
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
