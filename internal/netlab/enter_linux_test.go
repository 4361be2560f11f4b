package netlab

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"

	"golang.org/x/sys/unix"
)

// Between bind and listen, the process that brings a network up has its name, but
// cannot be reached. A process that starts at that moment waits for it, and joins it.
// But no process waits for ever for a program that never listens.
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

// join does not bring up a network whose table contradicts itself.
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

// Another user cannot join a network, even one who knows its name. Nor does a client
// take the network of another user for its own.
func TestOtherUser(t *testing.T) {
	t.Setenv(networkName, fmt.Sprint("other", os.Getpid()))
	at, err := address()
	if err != nil {
		t.Fatal(err)
	}
	door, err := net.ListenUnix("unixpacket", at)
	if err != nil {
		t.Fatal(err)
	}
	go (&world{lab: small()}).admit(door)
	// ask returns the answer to a request that only the world can answer.
	ask := func(c control) (a answer, err error) {
		defer c.Close()
		c.SetDeadline(time.Now().Add(progtest.Patience))
		if err = c.send(request{Host: "none"}); err == nil {
			_, err = c.receive(&a)
		}
		return a, err
	}
	ours, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	if a, err := ask(ours); a.Error != "unexpected request" {
		t.Fatalf("this user gets %+v (%v)", a, err)
	}
	err = asAnother(func() {
		c, err := net.DialUnix("unixpacket", nil, at)
		if err != nil {
			t.Error(err)
			return
		}
		a, err := ask(control{c})
		if !hasEnded(err) {
			t.Errorf("another user gets %+v (%v), want the end of the connection", a, err)
		}
	})
	if err != nil {
		t.Skip("this user cannot become another: ", err)
	}
	door.Close()
	asAnother(func() { door, err = net.ListenUnix("unixpacket", at) })
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	if _, err := dial(); err == nil || err.Error() != "another user has taken the name of your network" {
		t.Errorf("with another user's network, the error is %v", err)
	}
}

// asAnother calls f in a thread that belongs to another user.
func asAnother(f func()) (err error) {
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: no other goroutine may run as that user
		const unchanged, another = ^uintptr(0), 12345
		_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, unchanged, another, unchanged)
		if errno != 0 {
			err = errno
			return
		}
		f()
	}()
	<-done
	return err
}
