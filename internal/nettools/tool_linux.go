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
