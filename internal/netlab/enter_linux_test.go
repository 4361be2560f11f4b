package netlab

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Between bind and listen, the process that brings a network up has its name, but
// cannot be reached. Another one that starts then waits for it, and joins it. It does
// not wait for a program that never listens.
func TestJoinOneThatBegins(t *testing.T) {
	t.Setenv(networkName, fmt.Sprint("test", os.Getpid()))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	at, err := address()
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: at.Name}); err != nil {
		t.Fatal(err)
	}
	l := small()
	if _, _, err := l.join(func() bool { return false }); err != errTaken {
		t.Fatalf("while it does not listen, the error is %v, want %v", err, errTaken)
	}
	client, _, err := l.join(func() bool { return unix.Listen(fd, 1) == nil })
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.send(request{Host: "a"}); err != nil {
		t.Fatal(err)
	}
	accepted, _, err := unix.Accept(fd)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newControl(os.NewFile(uintptr(accepted), "accepted"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var r request
	if _, err := c.receive(&r); err != nil || r.Host != "a" {
		t.Errorf("it requested %q (%v)", r.Host, err)
	}
}

// A network whose table contradicts itself is not brought up.
func TestWrongTable(t *testing.T) {
	t.Setenv(networkName, fmt.Sprint("wrong", os.Getpid()))
	l := small()
	l.Hosts[0].NAT = "eth1"
	const want = "the table of hosts: a.example.com translates addresses on eth1, but has no such interface"
	if _, _, err := l.join(aLittle()); err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

// The longest name of a network still works, and a longer one is an error.
func TestLongName(t *testing.T) {
	const longest = 107 // bytes of an address
	t.Setenv(networkName, "")
	at, err := address()
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("x", longest-len(at.Name))
	t.Setenv(networkName, name)
	if at, err = address(); err != nil {
		t.Fatal(err)
	}
	door, err := net.ListenUnix("unixpacket", at)
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	t.Setenv(networkName, name+"x")
	if _, err := address(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("may have only %d", len(name))) {
		t.Errorf("the error of a longer one is %v", err)
	}
}
