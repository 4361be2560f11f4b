package live

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/live/lanes"
	"fopnp/internal/netns"
)

// A watcher also gets the packets that came before its watch begins, because a busy
// machine may let clients run first.
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

// When the kernel no longer lists the sockets, the reader sees a note.
func TestWatchEnds(t *testing.T) {
	w := newWatcher()
	var err error
	if w.table, err = kernel.OpenTable(); err != nil {
		t.Skip(err)
	}
	w.table.Close()
	var said bytes.Buffer
	w.watchTable(&keeperState{reports: json.NewEncoder(&said)})
	if text := said.String(); !strings.Contains(text, `"Note":"The lanes end here: `) {
		t.Errorf("the keeper reports %q", text)
	}
}
