package live

import (
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"fopnp/internal/live/lanes"
	"fopnp/internal/netns"
)

// A watcher hears what is said before its watch begins, because a busy machine may let
// clients run first.
func TestWatchBeginsLate(t *testing.T) {
	if !inside() && netns.Supported() == nil {
		runInside(t)
		return
	}
	if os.Getpid() != 1 {
		t.Skip("there are no private networks")
	}
	if fd, err := listenToLoopback(); err != nil {
		t.Skip(err)
	} else {
		unix.Close(fd)
	}
	w := newWatcher()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	w.read()
	events := w.machine.Take()
	if len(events) != 2 || events[0].Kind != lanes.Connects || events[1].Text != "hello" {
		t.Errorf("it has heard %+v", events)
	}
}
