package live

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/kernel"
	"fopnp/internal/live/lanes"
)

const (
	lookPause   = 5 * time.Millisecond  // at most, between two looks while there are packets
	sampleEvery = 10 * time.Millisecond // while a client waits or is served
	idleEvery   = 50 * time.Millisecond
	reportEvery = 20 * time.Millisecond
)

// A watcher sees what happens on the session's network. The programs that it
// watches need not cooperate.
type watcher struct {
	machine lanes.Machine
	begin   time.Time
	table   *kernel.Table
	packets int // a packet socket, or -1

	sockets []kernel.Socket
	owned   map[uint32]bool // inodes of listening sockets: whether they are the session's
	buffer  [256]byte       // for headers and the beginning of a text
	control [128]byte
}

// newWatcher returns a watcher that collects packets from now on, however late
// watch is called: on a busy machine, the first clients may connect earlier.
func newWatcher() *watcher {
	w := &watcher{begin: time.Now(), packets: -1}
	if os.Getpid() == 1 { // the network is ours
		w.packets, _ = listenToLoopback() // without packets, use samples only
	}
	w.machine.NoPackets = w.packets < 0
	return w
}

// watch reports what happens on the session's network, until the keeper ends.
func (w *watcher) watch(k *keeperState) {
	var err error
	if w.table, err = kernel.OpenTable(); err != nil {
		return // a kernel without sock_diag
	}
	defer w.table.Close()
	w.watchTable(k)
}

// watchTable is watch with an open table. If the kernel refuses to show the table,
// watchTable tells the reader and returns.
func (w *watcher) watchTable(k *keeperState) {
	var looked, reported time.Time
	var took time.Duration
	for {
		w.wait()
		// Only the table shows whether a client is in the queue, so look at once. But
		// if a program sends many packets, rest for twice as long as we look.
		time.Sleep(min(2*took, lookPause) - time.Since(looked))
		w.read()
		w.lose()
		begin := time.Now()
		if err := w.look(); err != nil {
			k.report(report{Note: fmt.Sprintf("The lanes end here: %v.", err)})
			return
		}
		looked = time.Now()
		took = looked.Sub(begin)
		if time.Since(reported) >= reportEvery {
			if events := w.machine.Take(); events != nil {
				reported = time.Now()
				k.report(report{Lanes: events})
			}
		}
	}
}

// wait waits until there are packets, or it is time to look.
func (w *watcher) wait() {
	pause := idleEvery
	if w.machine.Busy() {
		pause = sampleEvery
	}
	if w.packets < 0 {
		time.Sleep(pause)
		return
	}
	fds := []unix.PollFd{{Fd: int32(w.packets), Events: unix.POLLIN}}
	unix.Poll(fds, int(pause.Milliseconds()))
}

// listenToLoopback returns a socket that receives all packets of the loopback
// interface, with their times.
func listenToLoopback() (fd int, err error) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return -1, err
	}
	const none = 0 // until Bind
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, none)
	if err != nil {
		return -1, err
	}
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8 // in network order
	// Each packet on loopback is seen twice: going out and coming in.
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: lo.Index}),
	)
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// readAtOnce is how many packets read reads. A program may send without end.
const readAtOnce = 256

// read passes the waiting packets to the machine, at most readAtOnce of them.
func (w *watcher) read() {
	for range readAtOnce {
		n, controls, _, _, err := unix.Recvmsg(w.packets, w.buffer[:], w.control[:], 0)
		if err != nil {
			return // there are no more, or none can be heard
		}
		p, ok := lanes.ParsePacket(w.buffer[:n])
		if !ok {
			continue
		}
		p.At = w.when(w.control[:controls])
		w.machine.Packet(p)
	}
}

// lose tells the machine how many packets the kernel has dropped since the last call,
// because the socket's buffer was full.
func (w *watcher) lose() {
	if s, err := unix.GetsockoptTpacketStats(w.packets, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		w.machine.Lose(int(s.Drops), w.now())
	}
}

// when returns the time in a control message, since the watcher began.
func (w *watcher) when(control []byte) time.Duration {
	messages, err := unix.ParseSocketControlMessage(control)
	if err == nil {
		for _, m := range messages {
			var at unix.Timespec
			if m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(at)) {
				copy(unsafe.Slice((*byte)(unsafe.Pointer(&at)), unsafe.Sizeof(at)), m.Data)
				return time.Unix(at.Unix()).Sub(w.begin.Round(0)) // the kernel's is wall-clock time
			}
		}
	}
	return w.now()
}

func (w *watcher) now() time.Duration { return time.Now().Round(0).Sub(w.begin.Round(0)) }

// look passes a sample of the kernel's table to the machine.
func (w *watcher) look() (err error) {
	sample := lanes.Sample{At: w.now()}
	sockets := w.table.Listeners
	if w.machine.Follows() {
		sockets = w.table.Sockets
	}
	if w.sockets, err = sockets(w.sockets[:0]); err != nil {
		return err
	}
	sample.Took = w.now() - sample.At
	if w.packets < 0 {
		w.findOwned()
	}
	for _, s := range w.sockets {
		if s.Listens && (w.packets >= 0 || w.owned[s.Inode]) && !slices.Contains(sample.Listens, s.Port) {
			sample.Listens = append(sample.Listens, s.Port)
		}
	}
	for _, s := range w.sockets {
		if !s.Listens && (w.packets >= 0 || slices.Contains(sample.Listens, s.Port)) {
			sample.Sockets = append(sample.Sockets, lanes.Socket{
				Conn:     lanes.Conn{Server: s.Port, Client: s.Peer},
				Accepted: s.Inode != 0 || s.Closed,
				Unread:   s.Unread > 0,
				Ended:    s.Closed || s.ShutDown,
				Owes:     s.Owes,
			})
		}
	}
	w.machine.Sample(sample)
	return nil
}

// findOwned finds out which listening sockets belong to the session. It looks at
// its processes only if there is a new one.
func (w *watcher) findOwned() {
	known := map[uint32]bool{}
	isNew := false
	for _, s := range w.sockets {
		if s.Listens {
			owned, found := w.owned[s.Inode]
			isNew = isNew || !found
			known[s.Inode] = owned
		}
	}
	if isNew {
		ours := kernel.SocketsOf(kernel.Descendants(os.Getpid()))
		for inode := range known {
			known[inode] = ours[inode]
		}
	}
	w.owned = known
}
