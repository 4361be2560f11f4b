package nettools

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/sys/unix"
)

// snapshot is the number of bytes that tcpdump keeps of a packet.
const snapshot = 262144

// TcpdumpMain prints a line for each packet at a network interface, or from a
// file (-r). It stops after -c packets or at Ctrl-C. With -w, it writes the
// packets to a file in pcap format instead. The arguments are a filter: see
// parseFilter. Only root can capture packets.
//
// Source: tcpdump(8)
func TcpdumpMain(args []string) int {
	t := newTool("tcpdump", "[-AlnSUX] [-c COUNT] [-i INTERFACE] [-r FILE] [-t] [-w FILE] [FILTER...]")
	d := &dump{tool: t, names: map[netip.Addr]string{}}
	t.BoolVarP(&d.text, "ascii", "A", false, "print each packet as text")
	t.IntVarP(&d.count, "count", "c", 0, "stop after `COUNT` packets (0: never)")
	device := t.StringP("interface", "i", "", "listen on `INTERFACE` (any: on all; default: the first)")
	t.BoolP("line", "l", true, "print each line at once (always on)")
	t.BoolVarP(&d.numeric, "numeric", "n", false, "do not look up the names of addresses and ports")
	t.BoolP("packet", "U", true, "write each packet at once (always on)")
	input := t.StringP("read", "r", "", "read packets from `FILE` (-: from stdin)")
	t.BoolVarP(&d.absolute, "absolute", "S", false, "print absolute TCP sequence numbers")
	t.BoolVarP(&d.timeless, "timeless", "t", false, "print no times")
	output := t.StringP("write", "w", "", "write the packets to `FILE` (-: to stdout)")
	t.BoolVarP(&d.hex, "hex", "X", false, "print each packet as numbers and text")
	if status, ok := t.parse(args, 0, 1000); !ok {
		return status
	}
	ctx, cancel := untilSignal()
	defer cancel()
	var err error
	d.filter, err = parseFilter(strings.Join(t.Args(), " "), func(name string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	})
	if err != nil {
		return t.fails("filter", err)
	}
	d.describer = describer{name: d.nameOf(ctx), service: d.serviceName(), absolute: d.absolute}
	source, what, err := open(*input, *device)
	if err != nil {
		return t.fails(what, err)
	}
	d.link = source.link()
	if *output != "" {
		if err := d.create(*output, source.link()); err != nil {
			return t.fails(*output, err)
		}
	}
	description := map[layers.LinkType]string{
		layers.LinkTypeEthernet: "EN10MB (Ethernet)", linkAny: "LINUX_SLL2 (Linux cooked v2)",
	}[d.link]
	if description == "" {
		description = strconv.Itoa(int(d.link))
	}
	if *input != "" {
		fmt.Fprintf(os.Stderr, "reading from file %s, link-type %s, snapshot length %d\n", *input, description, snapshot)
	} else {
		fmt.Fprintf(os.Stderr, "listening on %s, link-type %s, snapshot length %d bytes\n", what, description, snapshot)
	}
	err = d.run(ctx, source)
	if live, ok := source.(*capture); ok {
		received, dropped := live.statistics()
		fmt.Fprintf(os.Stderr, "\n%d packets captured\n%d packets received by filter\n"+
			"%d packets dropped by kernel\n", d.shown, received, dropped)
	}
	if err != nil {
		return t.fails(what, err)
	}
	return 0
}

// A dump prints the packets from one source.
type dump struct {
	tool
	describer
	filter                      filter
	link                        layers.LinkType
	count, shown                int
	numeric, absolute, timeless bool
	text, hex                   bool
	file                        *pcapgo.Writer // or nil
	buffer                      *bufio.Writer  // of file
	names                       map[netip.Addr]string
}

// A source supplies packets. next returns io.EOF after the last packet, and
// os.ErrDeadlineExceeded if no packet has arrived for a moment.
type source interface {
	next() (packet []byte, info gopacket.CaptureInfo, err error)
	link() layers.LinkType
}

// open opens a file, or an interface if there is none. It returns the name of
// what it has opened or tried to open.
func open(file, device string) (source, string, error) {
	if file == "" {
		return openDevice(device)
	}
	var r io.Reader = os.Stdin
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, file, err
		}
		r = opened
	}
	reader, err := pcapgo.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, file, err
	}
	return stored{reader}, file, nil
}

// stored is a source of packets from a file.
type stored struct{ *pcapgo.Reader }

func (s stored) link() layers.LinkType { return s.LinkType() }

func (s stored) next() ([]byte, gopacket.CaptureInfo, error) {
	packet, info, err := s.ReadPacketData()
	if err == io.ErrUnexpectedEOF {
		err = errors.New("the file ends within a packet")
	}
	return packet, info, err
}

// create creates the file for -w.
func (d *dump) create(name string, link layers.LinkType) error {
	file := os.Stdout
	if name != "-" {
		var err error
		if file, err = os.Create(name); err != nil {
			return err
		}
	}
	d.buffer = bufio.NewWriter(file)
	d.file = pcapgo.NewWriter(d.buffer)
	if err := d.file.WriteFileHeader(snapshot, link); err != nil {
		return err
	}
	return d.buffer.Flush()
}

// run shows packets until the source ends, or until it has shown as many as -c
// allows. If ctx is done, it still shows the packets that have already arrived.
func (d *dump) run(ctx context.Context, source source) error {
	for d.count == 0 || d.shown < d.count {
		data, info, err := source.next()
		switch {
		case err == io.EOF, errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			continue
		case err != nil:
			return err
		}
		d.show(data, info)
	}
	return nil
}

// show prints or writes a packet that passes the filter.
func (d *dump) show(data []byte, info gopacket.CaptureInfo) {
	etherType, header, first := linkLayer(d.link, data)
	p := gopacket.NewPacket(data[header:], first, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	summary := summarize(p)
	if !d.filter(&summary) {
		return
	}
	d.shown++
	if d.file != nil {
		d.file.WritePacket(info, data) // the buffer keeps an error for Flush
		if err := d.buffer.Flush(); err != nil {
			os.Exit(d.fails("write", err))
		}
		return
	}
	line := ""
	if !d.timeless {
		line = info.Timestamp.Local().Format("15:04:05.000000 ")
	}
	if d.link == linkAny && len(data) >= anyHeader {
		line += arrival(data)
	}
	line += d.describe(p, etherType, info.Length-header) + "\n"
	switch {
	case d.hex:
		line += dumpHex(data[header:])
	case d.text:
		line += dumpText(data[header:])
	}
	d.printf("%s", line)
}

// arrival returns a packet's interface and direction.
func arrival(data []byte) string {
	index := int(binary.BigEndian.Uint32(data[4:]))
	name := fmt.Sprintf("ifindex %d", index)
	if device, err := net.InterfaceByIndex(index); err == nil {
		name = device.Name
	}
	direction := map[byte]string{unix.PACKET_HOST: "In", unix.PACKET_BROADCAST: "B", unix.PACKET_MULTICAST: "M",
		unix.PACKET_OTHERHOST: "P", unix.PACKET_OUTGOING: "Out"}[data[10]]
	return fmt.Sprintf("%-5s %-3s ", name, direction)
}

// nameOf returns a function that returns the name of an address.
func (d *dump) nameOf(ctx context.Context) func(netip.Addr) string {
	return func(address netip.Addr) string {
		if d.numeric {
			return address.String()
		}
		if _, known := d.names[address]; !known {
			d.names[address] = nameOf(ctx, address)
		}
		return d.names[address]
	}
}

// serviceName returns a function that returns the name of a port.
func (d *dump) serviceName() func(network string, port uint16) string {
	var names map[string]string
	if !d.numeric {
		names = services()
	}
	return func(network string, port uint16) string {
		number := strconv.Itoa(int(port))
		if name := names[number+"/"+network]; name != "" {
			return name
		}
		return number
	}
}

// A capture receives the packets of one interface or of all interfaces.
type capture struct {
	fd       int
	all      bool
	loopback int // the number of the interface
	packet   []byte
	control  [64]byte // with the time of the packet
}

// openDevice opens an interface. The default is the first one that is up and
// not loopback.
func openDevice(name string) (*capture, string, error) {
	c := &capture{fd: -1, all: name == "any", packet: make([]byte, anyHeader+snapshot)}
	devices, err := net.Interfaces()
	if err != nil {
		return nil, "list the interfaces", err
	}
	index, isEthernet := 0, true
	for _, device := range devices {
		isLoopback := device.Flags&net.FlagLoopback != 0
		if isLoopback {
			c.loopback = device.Index
		}
		if device.Name == name || name == "" && !isLoopback && device.Flags&net.FlagUp != 0 {
			index, name = device.Index, device.Name
			isEthernet = isLoopback || len(device.HardwareAddr) == 6
		}
	}
	switch {
	case index == 0 && name == "":
		return nil, "interface", errors.New("none is up; see -i")
	case index == 0 && !c.all:
		return nil, name, errors.New("no such interface")
	case !isEthernet:
		return nil, name, errors.New("not an Ethernet interface; use -i any")
	}
	kind := unix.SOCK_RAW
	if c.all {
		kind = unix.SOCK_DGRAM // without the interfaces' link headers, which differ
	}
	if c.fd, err = unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, name, err
	}
	unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 2<<20)
	if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return nil, name, err
	}
	// No packet arrives before Bind, so none arrives from another interface.
	if err := unix.Bind(c.fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL), Ifindex: index}); err != nil {
		return nil, name, err
	}
	return c, name, nil
}

// bigEndian returns a number in network byte order, as addresses need it.
func bigEndian(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}

func (c *capture) link() layers.LinkType {
	if c.all {
		return linkAny
	}
	return layers.LinkTypeEthernet
}

func (c *capture) next() ([]byte, gopacket.CaptureInfo, error) {
	const moment = 50 // ms
	for {
		n, m, _, from, err := unix.Recvmsg(c.fd, c.packet[anyHeader:], c.control[:], unix.MSG_DONTWAIT|unix.MSG_TRUNC)
		if err == unix.EAGAIN {
			poll := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}
			if n, err := unix.Poll(poll, moment); n == 0 || err == unix.EINTR {
				return nil, gopacket.CaptureInfo{}, os.ErrDeadlineExceeded
			}
			continue
		}
		if err != nil {
			return nil, gopacket.CaptureInfo{}, err
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || link.Ifindex == c.loopback && link.Pkttype == unix.PACKET_OUTGOING { // the same packet also arrives as incoming
			continue
		}
		start := anyHeader
		if c.all {
			start = 0
			header := c.packet[:anyHeader]
			clear(header)
			binary.NativeEndian.PutUint16(header, link.Protocol)
			binary.BigEndian.PutUint32(header[4:], uint32(link.Ifindex))
			binary.BigEndian.PutUint16(header[8:], link.Hatype)
			header[10], header[11] = link.Pkttype, link.Halen
			copy(header[12:], link.Addr[:])
		}
		packet := c.packet[start:min(anyHeader+n, len(c.packet))]
		info := gopacket.CaptureInfo{
			Timestamp: arrivedAt(c.control[:m]), CaptureLength: len(packet), Length: anyHeader - start + n,
		}
		return packet, info, nil
	}
}

// arrivedAt returns when the kernel received a packet.
func arrivedAt(control []byte) time.Time {
	messages, _ := unix.ParseSocketControlMessage(control)
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		}
	}
	return time.Now()
}

// statistics returns how many packets the capture received, and how many of
// them the kernel dropped.
func (c *capture) statistics() (received, dropped uint32) {
	s, err := unix.GetsockoptTpacketStats(c.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0, 0
	}
	return s.Packets, s.Drops
}
