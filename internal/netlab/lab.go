// Package netlab brings up networks of hosts on one Linux machine, without root.
//
// A [Lab] is a table: hosts with their addresses, the wires between them, routes,
// address translation and services. [Lab.Enter] brings the network up, or joins the
// one that the user has already brought up, and runs a shell on one of its hosts.
// When the first of these shells exits, the network ends and leaves nothing behind.
//
// A network consists of three kinds of processes, which all run the same program:
//
//   - The one that the user started. It connects the shell to the user's terminal.
//   - The world, its child. It is the first process of a new process namespace, so
//     when it ends, the kernel kills everything on the network. The kernel also
//     kills the world when its parent ends. The world creates a network namespace
//     for each host, connects them, and passes each login on to its host.
//   - A first process for each host, in its own namespaces. It makes the host's file
//     system, runs the host's services, and starts the shells.
//
// A network is for learning. It protects the machine from beginners' mistakes, but
// it is not a security boundary.
package netlab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A Lab is a network of hosts.
type Lab struct {
	Name   string // of the program that runs it, as in "playground"
	Domain string // the search domain of the hosts' resolvers, or ""
	Hosts  []*Host
}

// A Host is a computer on the network. It forwards packets if it has more than one
// interface.
type Host struct {
	// Names are the host's full name and short name, as in "ftp.example.com",
	// "ftp". If they are the same, there is only one.
	Names      []string
	Interfaces []Interface
	Routes     []Route
	NAT        string    // the interface that translates addresses, or ""
	Services   []Service // besides SSH, which all hosts have
	Aliases    []string  // other full names: CNAME records in DNS
	MailFor    []string  // names whose mail goes here: MX records in DNS
}

// An Interface is a network card with a cable to a wire.
type Interface struct {
	Name    string       // as in "eth0"; it ends in a digit
	Address netip.Prefix // as in 10.25.1.65/16, where /16 says which addresses are on the same wire
	Wire    string
}

// A Route says where packets to some addresses go. Either Dev or Via may be "".
type Route struct {
	To  netip.Prefix // 0.0.0.0/0 is the default route
	Dev string       // the interface
	Via string       // the address of the router
}

// A Service is a program that listens on a host.
type Service struct {
	Name  string // as in "HTTP"
	Port  int
	TLS   int  // the port of the same service with TLS, or 0
	Inetd bool // inetd starts it for each client
}

// Full returns the host's full name, which the command hostname prints.
func (h *Host) Full() string { return h.Names[0] }

// Short returns the host's short name, which users type.
func (h *Host) Short() string { return h.Names[len(h.Names)-1] }

// Address returns the address of the host's first interface, which is its address
// in DNS.
func (h *Host) Address() netip.Addr { return h.Interfaces[0].Address.Addr() }

// Addresses returns the host's addresses, each one once.
func (h *Host) Addresses() []netip.Addr {
	var all []netip.Addr
	for _, i := range h.Interfaces {
		if a := i.Address.Addr(); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// Serves reports whether the host has a service of that name.
func (h *Host) Serves(name string) bool {
	return slices.ContainsFunc(h.Services, func(s Service) bool { return s.Name == name })
}

// forwards reports whether the host is a router.
func (h *Host) forwards() bool { return len(h.Interfaces) > 1 }

// Find returns the host with that short or full name, or nil. Case does not matter.
func (l *Lab) Find(name string) *Host {
	for _, h := range l.Hosts {
		for _, n := range h.Names {
			if strings.EqualFold(name, n) {
				return h
			}
		}
	}
	return nil
}

// ShortNames returns the short names of all hosts, separated by spaces.
func (l *Lab) ShortNames() string {
	var names []string
	for _, h := range l.Hosts {
		names = append(names, h.Short())
	}
	return strings.Join(names, " ")
}

// Nameserver returns the first host that serves DNS, or nil.
func (l *Lab) Nameserver() *Host {
	for _, h := range l.Hosts {
		if h.Serves("DNS") {
			return h
		}
	}
	return nil
}

// A Wire connects two or more interfaces.
type Wire struct {
	Name string
	Ends []End
}

// An End is an interface that a wire is plugged into.
type End struct {
	Host      *Host
	Interface Interface
}

// Wires returns the wires of the network, in the order in which the table names
// them.
func (l *Lab) Wires() []Wire {
	var wires []Wire
	for _, h := range l.Hosts {
		for _, i := range h.Interfaces {
			at := slices.IndexFunc(wires, func(w Wire) bool { return w.Name == i.Wire })
			if at < 0 {
				at = len(wires)
				wires = append(wires, Wire{Name: i.Wire})
			}
			wires[at].Ends = append(wires[at].Ends, End{h, i})
		}
	}
	return wires
}

// Check returns an error if the table contradicts itself: two hosts with the same
// name, two ends of a wire with the same address, a wire with one end, or a route
// or address translation on an interface that the host does not have.
func (l *Lab) Check() error {
	known := map[string]bool{}
	for _, h := range l.Hosts {
		for _, name := range slices.Concat(h.Names, h.Aliases) {
			if known[name] {
				return fmt.Errorf("two hosts have the name %s", name)
			}
			known[name] = true
		}
		has := map[string]bool{"": true}
		for _, i := range h.Interfaces {
			has[i.Name] = true
		}
		if !has[h.NAT] {
			return fmt.Errorf("%s translates addresses on %s, but has no such interface", h.Full(), h.NAT)
		}
		for _, r := range h.Routes {
			if !has[r.Dev] {
				return fmt.Errorf("%s has a route to %v on %s, but has no such interface", h.Full(), r.To, r.Dev)
			}
		}
	}
	for _, w := range l.Wires() {
		if len(w.Ends) < 2 {
			return fmt.Errorf("the wire %s has only one end", w.Name)
		}
		taken := map[netip.Addr]bool{}
		for _, e := range w.Ends {
			if a := e.Interface.Address.Addr(); taken[a] {
				return fmt.Errorf("two hosts on the wire %s have the address %v", w.Name, a)
			} else {
				taken[a] = true
			}
		}
	}
	return nil
}
