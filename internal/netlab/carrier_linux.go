package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A carrier operates a wire. A perfect wire is a bridge in the kernel. If the wire
// should delay or lose packets, or has a rate, the carrier takes the ports off the
// bridge and carries each packet itself, from one packet socket to another. So it
// does not need the module netem, which some kernels lack.
type carrier struct {
	name   string
	place  *place // the fabric
	bridge int
	ports  []int

	mu      sync.Mutex
	quality Quality
	run     *run // nil while the wire is perfect
}

// set changes what the wire does to packets. Packets in transit are lost. After an
// error, the wire is as it was before, but its counts begin anew. If the wire cannot
// go back either, the error says so, and the wire shows that it loses packets.
func (c *carrier) set(q Quality) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.place.do(func() error { return c.become(q) })
	if err == nil {
		c.quality = q
		return nil
	}
	if back := c.place.do(func() error { return c.become(c.quality) }); back != nil {
		err = fmt.Errorf("wire %s: %w; it loses packets now, because it cannot go back to %v: %w", c.name, err, c.quality, back)
		c.quality = Quality{Loss: 1}
		return err
	}
	return fmt.Errorf("wire %s: %w; it is still %v", c.name, err, c.quality)
}

// become puts the ports on the bridge, or takes them off it and starts carrying. It
// must run in the fabric. After an error, some of the ports may have changed.
func (c *carrier) become(q Quality) (err error) {
	if c.run != nil {
		c.run.stop()
		c.run = nil
	}
	var ports []int // those that still exist: a user may delete a host's interface
	for _, port := range c.ports {
		link, err := c.place.links.LinkByIndex(port)
		if errors.As(err, new(netlink.LinkNotFoundError)) {
			continue
		}
		if err != nil {
			return err
		}
		ports = append(ports, port)
		if q == (Quality{}) {
			err = c.place.links.LinkSetMasterByIndex(link, c.bridge)
		} else {
			err = c.place.links.LinkSetNoMaster(link)
		}
		if err != nil {
			return err
		}
	}
	if q != (Quality{}) {
		c.run, err = carry(ports, q)
	}
	return err
}

// String returns the line that the wire command prints for this wire.
func (c *carrier) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := fmt.Sprintf("%-17s %v", c.name, c.quality)
	if c.run == nil {
		return line
	}
	var carried, lost, refused int64
	for _, e := range c.run.ends {
		carried += e.carried.Load()
		lost += e.lost.Load()
		refused += e.refused.Load()
	}
	return fmt.Sprintf("%s: %d packets carried, %d lost, %d found the buffer full", line, carried, lost, refused)
}

// A run carries packets over a wire of one quality.
type run struct {
	quality Quality
	ends    []*end
	quit    chan struct{}

	mu      sync.Mutex
	learned map[[6]byte]*end // the end behind which each hardware address is, as in a switch
}

// An end is the carrier's end of a cable.
type end struct {
	socket *os.File
	queue  chan parcel // to this end

	carried, lost, refused atomic.Int64 // packets to this end

	mu   sync.Mutex
	free time.Time // when the last accepted bit will have left
}

// A parcel is a packet with the time when it is due at the other end.
type parcel struct {
	due    time.Time
	packet []byte
}

const (
	// A struct virtio_net_hdr precedes each packet. It says which checksum must still
	// be computed, and how to segment the packet.
	offloads = 10
	ethernet = 14
	largest  = offloads + ethernet + 1<<16

	maxUnderWay = 4096                   // packets
	maxBuffered = 100 * time.Millisecond // how long a packet may wait to be sent
)

// carry starts carrying packets between ports. It must run in the fabric.
func carry(ports []int, q Quality) (*run, error) {
	r := &run{quality: q, quit: make(chan struct{}), learned: map[[6]byte]*end{}}
	for _, port := range ports {
		socket, err := packetSocket(port)
		if err != nil {
			r.stop()
			return nil, err
		}
		r.ends = append(r.ends, &end{socket: socket, queue: make(chan parcel, maxUnderWay)})
	}
	for _, e := range r.ends {
		go r.collect(e)
		go r.deliver(e)
	}
	return r, nil
}

func (r *run) stop() {
	close(r.quit)
	for _, e := range r.ends {
		e.socket.Close()
	}
}

func packetSocket(port int) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: port}))
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	return os.NewFile(uintptr(fd), "port"), nil
}

// collect reads packets from one end, and puts them on the wire to the others.
func (r *run) collect(from *end) {
	buffer := make([]byte, largest)
	for {
		n, err := from.socket.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil || n < offloads+ethernet {
			continue // the interface was down for a moment
		}
		packet := slices.Clone(buffer[:n])
		for _, to := range r.receivers(from, packet[offloads:]) {
			if rand.Float64() < r.quality.Loss {
				to.lost.Add(1)
			} else {
				to.accept(packet, r.quality)
			}
		}
	}
}

// receivers returns the ends that should get a frame: the one where its receiver is
// known to be, or all others if that is unknown.
func (r *run) receivers(from *end, frame []byte) []*end {
	receiver, sender := [6]byte(frame), [6]byte(frame[6:])
	r.mu.Lock()
	r.learned[sender] = from
	known := r.learned[receiver]
	r.mu.Unlock()
	if known != nil {
		return []*end{known}
	}
	return slices.DeleteFunc(slices.Clone(r.ends), func(e *end) bool { return e == from })
}

// accept puts a packet on the wire to this end, if there is room.
func (e *end) accept(packet []byte, q Quality) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	if e.free.Before(now) {
		e.free = now
	}
	if e.free.Sub(now) > maxBuffered {
		e.refused.Add(1)
		return
	}
	left := e.free
	if q.Rate > 0 {
		bits := float64(8 * (len(packet) - offloads))
		left = left.Add(time.Duration(bits / q.Rate * float64(time.Second)))
	}
	select {
	case e.queue <- parcel{left.Add(q.Delay), packet}:
		e.free = left
	default:
		e.refused.Add(1)
	}
}

// deliver delivers packets to an end, each when it is due.
func (r *run) deliver(e *end) {
	for {
		select {
		case <-r.quit:
			return
		case p := <-e.queue:
			time.Sleep(time.Until(p.due))
			if _, err := e.socket.Write(p.packet); err == nil {
				e.carried.Add(1)
			}
		}
	}
}

// changeWire carries out the wire command and returns its output.
func (w *world) changeWire(words []string) (string, error) {
	shown := w.wires
	if len(words) > 0 {
		at := slices.IndexFunc(w.wires, func(c *carrier) bool { return strings.EqualFold(c.name, words[0]) })
		if at < 0 {
			var names []string
			for _, c := range w.wires {
				names = append(names, c.name)
			}
			return "", usageError(fmt.Sprintf("there is no wire %q; the wires are %s", words[0], strings.Join(names, " ")))
		}
		shown = w.wires[at : at+1]
	}
	if len(words) > 1 {
		q, err := ParseQuality(words[1:])
		if err != nil {
			return "", usageError(err.Error())
		}
		if err := shown[0].set(q); err != nil {
			return "", err
		}
	}
	var lines strings.Builder
	for _, c := range shown {
		fmt.Fprintln(&lines, c)
	}
	return lines.String(), nil
}
