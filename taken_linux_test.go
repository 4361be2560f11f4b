package fopnp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"fopnp/internal/progtest"
)

// taken waits until the other side of a connection has read all that this side
// has sent: until nothing is left in the receive queue that the kernel lists
// for it. On loopback what was sent is in that queue at once.
func taken(conn net.Conn) error {
	ours := conn.LocalAddr().(*net.TCPAddr).AddrPort()
	theirs := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	patience := time.After(progtest.Patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		queues, err := queues(theirs, ours)
		if err != nil || strings.HasSuffix(queues, ":00000000") {
			return err
		}
		select {
		case <-tick.C:
		case <-patience:
			return fmt.Errorf("the server has not read what %v said", ours)
		}
	}
}

// queues returns the lengths of the send and receive queues of the connection
// from local to peer, as /proc/net/tcp has them: "00000000:00000016".
func queues(local, peer netip.AddrPort) (string, error) {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range strings.Lines(string(text)) {
			// sl local_address rem_address st tx_queue:rx_queue ...
			f := strings.Fields(line)
			if len(f) > 4 && strings.HasSuffix(f[1], hexPort(local)) && strings.HasSuffix(f[2], hexPort(peer)) {
				return f[4], nil
			}
		}
	}
	return "", fmt.Errorf("no connection from %v to %v", local, peer)
}

func hexPort(a netip.AddrPort) string { return fmt.Sprintf(":%04X", a.Port()) }
