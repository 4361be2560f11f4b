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

// A program may send faster than the watcher reads. Then the watcher reads a limited number
// of packets before it looks, and the reader learns that others were lost.
func TestWatchLoses(t *testing.T) {
	if !inside() && netns.Supported() == nil {
		runInside(t)
		return
	}
	if os.Getpid() != 1 {
		t.Skip("there are no private networks")
	}
	w := newWatcher()
	if w.packets < 0 {
		t.Skip("the kernel lets us capture no packets")
	}
	to, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	from, err := net.Dial("udp", to.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	const sent = 20000 // more than the socket's buffer can hold
	for range sent {
		from.Write([]byte("x")) // the server need not read it
	}
	w.lose()
	w.read()
	seen, lost := 0, 0
	count := func() {
		for _, e := range w.machine.Take() {
			switch e.Kind {
			case lanes.Asks:
				seen++
			case lanes.Omitted: // it has read them
				seen += e.Size
			case lanes.Lost:
				lost += e.Size
			}
		}
	}
	if count(); seen != readAtOnce {
		t.Errorf("it reads %d packets at once, want %d", seen, readAtOnce)
	}
	for before := 0; seen > before; count() { // the packets that are still in the buffer
		before = seen
		w.read()
	}
	if lost == 0 || seen+lost != sent {
		t.Errorf("%d packets are seen and %d lost, want %d in all", seen, lost, sent)
	}
	w.lose()
	if events := w.machine.Take(); events != nil {
		t.Errorf("it reports them again: %+v", events)
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
