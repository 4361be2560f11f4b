package main

import (
	"fopnp/internal/netlab"
	"fopnp/internal/netlab/services"
	"fopnp/internal/nettools"
	"fopnp/internal/superserver"
)

// programs are our own programs, which a host uses if none of that name is installed
// on the machine.
var programs = map[string]netlab.Program{
	"host":        nettools.HostMain,
	"in.telnetd":  nettools.TelnetdMain,
	"inetd":       superserver.Main,
	"map":         printMap,
	"nc":          nettools.NcMain,
	"ping":        nettools.PingMain,
	"scp":         services.ScpMain,
	"sftp-server": services.SFTPServerMain,
	"ssh":         services.SSHMain,
	"tcpdump":     nettools.TcpdumpMain,
	"telnet":      nettools.TelnetMain,
	"traceroute":  nettools.TracerouteMain,
	"wire":        wire,
}
