package netlab

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A place is a network namespace with a thread in it. A process that the thread
// starts is in the namespace as well.
type place struct {
	namespace *os.File
	links     *netlink.Handle
	work      chan func()
}

func newPlace() (*place, error) {
	p := &place{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: no other goroutine may run in this namespace
		ready <- p.enter()
		for f := range p.work {
			f()
		}
	}()
	return p, <-ready
}

func (p *place) enter() (err error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if p.namespace, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return err
	}
	p.links, err = netlink.NewHandle(unix.NETLINK_ROUTE)
	return err
}

// do calls f on the place's thread.
func (p *place) do(f func() error) error {
	result := make(chan error)
	p.work <- func() { result <- f() }
	return <-result
}

// build makes the network: a place for each host, and the fabric, a place that
// contains all wires. In the fabric, each wire is a bridge. Each cable is a
// pair of interfaces: one belongs to the host, and the other is a port of the
// bridge.
func (w *world) build() (err error) {
	if w.fabric, err = newPlace(); err != nil {
		return fmt.Errorf("create a network: %w", err)
	}
	for _, h := range w.lab.Hosts {
		p, err := newPlace()
		if err != nil {
			return fmt.Errorf("create the network of %s: %w", h.Short(), err)
		}
		w.places[h] = p
		if err := p.do(func() error { return settings(h) }); err != nil {
			return fmt.Errorf("%s: %w", h.Short(), err)
		}
	}
	for n, wire := range w.lab.Wires() {
		if err := w.plug(n, wire); err != nil {
			return fmt.Errorf("wire %s: %w", wire.Name, err)
		}
	}
	return w.each(func(h *Host) error {
		p := w.places[h]
		return p.do(func() error { return p.configure(h) })
	})
}

// settings are kernel settings that must be made before the interfaces are added.
func settings(h *Host) error {
	set := func(name, value string) error {
		return os.WriteFile("/proc/sys/net/"+name, []byte(value), 0)
	}
	// The hosts have IPv4 only. A kernel without IPv6 has no such setting.
	set("ipv6/conf/default/disable_ipv6", "1")
	// If everyone may use sockets for ICMP, ping needs no privilege.
	set("ipv4/ping_group_range", "0 0")
	if !h.forwards() {
		return nil
	}
	return set("ipv4/ip_forward", "1")
}

// plug makes the wire with the given number and its cables.
func (w *world) plug(number int, wire Wire) error {
	no := false
	bridge := &netlink.Bridge{LinkAttrs: netlink.NewLinkAttrs(), MulticastSnooping: &no}
	bridge.Name, bridge.Flags = fmt.Sprintf("wire%d", number), net.FlagUp
	if err := w.fabric.links.LinkAdd(bridge); err != nil {
		return fmt.Errorf("add a bridge: %w", err)
	}
	made := &carrier{name: wire.Name, place: w.fabric, bridge: bridge.Index}
	w.wires = append(w.wires, made)
	for _, e := range wire.Ends {
		port := &netlink.Veth{
			LinkAttrs:        netlink.NewLinkAttrs(),
			PeerName:         e.Interface.Name,
			PeerNamespace:    netlink.NsFd(w.places[e.Host].namespace.Fd()),
			PeerHardwareAddr: w.hardwareAddr(e),
		}
		port.Name = e.Host.Short() + "." + e.Interface.Name
		port.MasterIndex, port.Flags = bridge.Index, net.FlagUp
		if err := w.fabric.links.LinkAdd(port); err != nil {
			return fmt.Errorf("add the cable of %s: %w", port.Name, err)
		}
		made.ports = append(made.ports, port.Index)
	}
	return nil
}

// hardwareAddr returns an address that identifies the interface in a capture. The
// fifth byte is the host's number in the table, from 1, and the last byte is the
// interface's number.
func (w *world) hardwareAddr(e End) net.HardwareAddr {
	var number byte
	for i, h := range w.lab.Hosts {
		if h == e.Host {
			number = byte(i + 1)
		}
	}
	name := e.Interface.Name
	return net.HardwareAddr{2, 0, 0, 0, number, name[len(name)-1] - '0'}
}

// configure gives the host its addresses and routes. It runs in the host's place.
func (p *place) configure(h *Host) error {
	if err := p.up("lo", nil); err != nil {
		return err
	}
	index := map[string]int{}
	for _, i := range h.Interfaces {
		if err := p.up(i.Name, index); err != nil {
			return err
		}
		if err := computeChecksums(i.Name); err != nil {
			return fmt.Errorf("%s: %w", i.Name, err)
		}
		address, err := netlink.ParseAddr(i.Address.String())
		if err != nil {
			return err
		}
		link := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Index: index[i.Name]}}
		if err := p.links.AddrAdd(link, address); err != nil {
			return fmt.Errorf("add the address %v to %s: %w", i.Address, i.Name, err)
		}
	}
	for _, r := range h.Routes {
		route := &netlink.Route{Gw: net.ParseIP(r.Via), LinkIndex: index[r.Dev]}
		if r.To.Bits() > 0 {
			route.Dst = &net.IPNet{IP: r.To.Addr().AsSlice(), Mask: net.CIDRMask(r.To.Bits(), 32)}
		}
		if r.Dev != "" {
			route.Scope = netlink.SCOPE_LINK
		}
		if err := p.links.RouteAdd(route); err != nil {
			return fmt.Errorf("add a route to %v: %w", r.To, err)
		}
	}
	if h.NAT == "" {
		return nil
	}
	return p.translate(h.NAT)
}

// up switches an interface on. If index is not nil, up stores the interface's number
// there.
func (p *place) up(name string, index map[string]int) error {
	link, err := p.links.LinkByName(name)
	if err == nil {
		err = p.links.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("bring up %s: %w", name, err)
	}
	if index != nil {
		index[name] = link.Attrs().Index
	}
	return nil
}

// computeChecksums makes the kernel compute the checksums of an interface's packets
// and segment them itself. Otherwise it would leave both to a network card that does
// not exist, and a capture would show packets that no real wire carries.
func computeChecksums(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	command := struct{ cmd, data uint32 }{unix.ETHTOOL_STXCSUM, 0} // switching checksums off switches segmentation off, too
	var req struct {                                               // struct ifreq
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	req.data = unsafe.Pointer(&command)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return os.NewSyscallError("ioctl SIOCETHTOOL", errno)
	}
	return nil
}

// translate makes the kernel replace the sender's address in packets that leave by an
// interface, and the receiver's address in the answers, as these nft rules do:
//
//	add rule nat postrouting oifname INTERFACE masquerade
//	add rule nat prerouting ct state invalid drop
//
// A packet is invalid if the kernel cannot tell which connection it belongs to, as
// with a late copy. If such a packet reached the router itself, the router would
// answer that there is no such connection, and this would end the connection.
func (p *place) translate(out string) error {
	c, err := nftables.New(nftables.WithNetNSFd(int(p.namespace.Fd())))
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "nat"})
	leaving := c.AddChain(&nftables.Chain{
		Name: "postrouting", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, out)
	c.AddRule(&nftables.Rule{Table: table, Chain: leaving, Exprs: []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: name},
		&expr.Masq{},
	}})
	coming := c.AddChain(&nftables.Chain{
		Name: "prerouting", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityMangle,
	})
	c.AddRule(&nftables.Rule{Table: table, Chain: coming, Exprs: []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{
			SourceRegister: 1, DestRegister: 1, Len: 4,
			Mask: binary.NativeEndian.AppendUint32(nil, expr.CtStateBitINVALID), Xor: make([]byte, 4),
		},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("translate addresses with nf_tables: %w", err)
	}
	return nil
}

// each calls f for all hosts at once and returns one of the errors.
func (w *world) each(f func(*Host) error) error {
	var group sync.WaitGroup
	errs := make([]error, len(w.lab.Hosts))
	for i, h := range w.lab.Hosts {
		group.Go(func() { errs[i] = f(h) })
	}
	group.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("%s: %w", w.lab.Hosts[i].Short(), err)
		}
	}
	return nil
}
