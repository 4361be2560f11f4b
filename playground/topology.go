package main

import (
	"net/netip"

	"fopnp/internal/netlab"
)

// playground is the table of the playground's hosts. The network, its DNS names and
// the maps are made from it.
var playground = &netlab.Lab{Name: "playground", Domain: "example.com", Hosts: []*netlab.Host{
	{
		Names:      []string{"h1"},
		Interfaces: []netlab.Interface{on("homeA", "eth1", "192.168.1.11/24")},
		Routes:     []netlab.Route{others("192.168.1.1")},
	}, {
		Names:      []string{"h2"},
		Interfaces: []netlab.Interface{on("homeA", "eth1", "192.168.1.12/24")},
		Routes:     []netlab.Route{others("192.168.1.1")},
	}, {
		Names:      []string{"h3"},
		Interfaces: []netlab.Interface{on("homeA", "eth1", "192.168.1.13/24")},
		Routes:     []netlab.Route{others("192.168.1.1")},
	}, {
		Names:      []string{"h4"},
		Interfaces: []netlab.Interface{on("homeB", "eth1", "192.168.1.14/24")},
		Routes:     []netlab.Route{others("192.168.1.1")},
	}, {
		Names: []string{"modemA"},
		Interfaces: []netlab.Interface{
			on("isp-modemA", "eth0", "10.25.1.65/16"), on("homeA", "eth1", "192.168.1.1/24"),
		},
		Routes: []netlab.Route{others("10.25.1.1")},
		NAT:    "eth0",
	}, {
		Names: []string{"modemB"},
		Interfaces: []netlab.Interface{
			on("isp-modemB", "eth0", "10.25.1.66/16"), on("homeB", "eth1", "192.168.1.1/24"),
		},
		Routes: []netlab.Route{others("10.25.1.1")},
		NAT:    "eth0",
	}, {
		Names: []string{"isp"},
		Interfaces: []netlab.Interface{
			on("backbone-isp", "eth0", "10.25.1.1/32"),
			on("isp-modemA", "eth1", "10.25.1.1/32"), on("isp-modemB", "eth2", "10.25.1.1/32"),
		},
		Routes: []netlab.Route{
			cable("10.1.1.1/32", "eth0"), cable("10.25.1.65/32", "eth1"), cable("10.25.1.66/32", "eth2"),
			others("10.1.1.1"),
		},
	}, {
		Names: []string{"backbone"},
		Interfaces: []netlab.Interface{
			on("backbone-isp", "eth0", "10.1.1.1/32"), on("backbone-example", "eth1", "10.1.1.1/32"),
		},
		Routes: []netlab.Route{
			cable("10.25.1.1/32", "eth0"), by("10.25.0.0/16", "10.25.1.1"),
			cable("10.130.1.1/32", "eth1"), by("10.130.1.0/24", "10.130.1.1"),
		},
		Services: []netlab.Service{{Name: "DNS", Port: 53}},
	}, {
		Names: []string{"example.com", "example"},
		Interfaces: []netlab.Interface{
			on("backbone-example", "eth0", "10.130.1.1/32"), on("exampleCOM", "eth1", "10.130.1.1/24"),
		},
		Routes: []netlab.Route{cable("10.1.1.1/32", "eth0"), others("10.1.1.1")},
	}, {
		Names:      []string{"ftp.example.com", "ftp"},
		Interfaces: []netlab.Interface{on("exampleCOM", "eth0", "10.130.1.2/24")},
		Routes:     []netlab.Route{others("10.130.1.1")},
		Services:   []netlab.Service{{Name: "telnet", Port: 23, Inetd: true}, {Name: "FTP", Port: 21}},
	}, {
		Names:      []string{"mail.example.com", "mail"},
		Interfaces: []netlab.Interface{on("exampleCOM", "eth0", "10.130.1.3/24")},
		Routes:     []netlab.Route{others("10.130.1.1")},
		Services: []netlab.Service{
			{Name: "SMTP", Port: 25}, {Name: "POP3", Port: 110, TLS: 995}, {Name: "IMAP", Port: 143, TLS: 993},
		},
		Aliases: []string{"smtp.example.com"},
		MailFor: []string{"example.com", "www.example.com"},
	}, {
		Names:      []string{"www.example.com", "www"},
		Interfaces: []netlab.Interface{on("exampleCOM", "eth0", "10.130.1.4/24")},
		Routes:     []netlab.Route{others("10.130.1.1")},
		Services:   []netlab.Service{{Name: "HTTP", Port: 80, TLS: 443}},
	},
}}

// places gives the column and the row of each host on the map.
var places = map[string]struct{ column, row int }{
	"h1": {0, 0}, "h2": {0, 1}, "h3": {0, 2}, "h4": {0, 4},
	"modemA": {1, 1}, "modemB": {1, 4},
	"isp": {2, 2}, "backbone": {3, 2}, "example": {4, 2},
	"ftp": {5, 1}, "mail": {5, 2}, "www": {5, 3},
}

// on returns an interface plugged into a wire.
func on(wire, name, address string) netlab.Interface {
	return netlab.Interface{Name: name, Address: netip.MustParsePrefix(address), Wire: wire}
}

// by returns a route to some addresses via a router.
func by(to, router string) netlab.Route {
	return netlab.Route{To: netip.MustParsePrefix(to), Via: router}
}

// others returns the default route, for all addresses that no other route covers.
func others(router string) netlab.Route { return by("0.0.0.0/0", router) }

// cable returns a route to an address at the other end of an interface's wire.
func cable(to, device string) netlab.Route {
	return netlab.Route{To: netip.MustParsePrefix(to), Dev: device}
}
