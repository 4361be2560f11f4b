package nettools

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// untilSignal returns a context that ends at Ctrl-C.
func untilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// lookUpPreferring4 returns the first IPv4 address of a host, or its first one of IPv6
// if it has no other. Network is ip, ip4 or ip6.
func lookUpPreferring4(ctx context.Context, network, host string) (netip.Addr, error) {
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, address := range addresses {
		if address = address.Unmap(); address.Is4() {
			return address, nil
		}
	}
	literal, _ := netip.ParseAddr(host)               // without a zone if it is a name
	return addresses[0].WithZone(literal.Zone()), nil // LookupNetIP leaves the zone out
}

// nameOf returns the name of an address, or the address if it has none.
func nameOf(ctx context.Context, address netip.Addr) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	names, err := net.DefaultResolver.LookupAddr(ctx, address.String())
	if err != nil || len(names) == 0 {
		return address.String()
	}
	return strings.TrimSuffix(names[0], ".")
}
