package program

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
)

func TestWhy(t *testing.T) {
	_, unresolved := net.Dial("tcp", "[::1]:http-or-so")
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("as it is"), "as it is"},
		{syscall.ECONNREFUSED, syscall.ECONNREFUSED.Error()},
		{os.NewSyscallError("fork", syscall.EAGAIN), syscall.EAGAIN.Error()},
		{os.NewSyscallError("connect", syscall.ETIMEDOUT), "timed out"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, syscall.ECONNREFUSED.Error()},
		{&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "nosuch.invalid", IsNotFound: true}}, "no such host"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "dial udp 192.0.2.53:53: connect: network is unreachable"}},
			"the name cannot be looked up"},
		{&net.OpError{Op: "listen", Net: "tcp", Err: &net.AddrError{Err: "missing port", Addr: "x"}}, "missing port"},
		{&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}, "timed out"},
		{&os.PathError{Op: "open", Path: "zen.log", Err: syscall.EACCES}, syscall.EACCES.Error()},
		{&os.PathError{Op: "open", Path: "zen.log", Err: os.ErrClosed}, os.ErrClosed.Error()},
		{fmt.Errorf("wrapped: %w", syscall.EPIPE), syscall.EPIPE.Error()},
		{unresolved, "unknown port"},
	} {
		if got := Why(test.err); got != test.want {
			t.Errorf("%v: got %s, want %s", test.err, got, test.want)
		}
	}
}
