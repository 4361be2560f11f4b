//go:build unix || windows

package tincanchat_test

import (
	"net/netip"
	"testing"

	"fopnp/internal/py/pyfmt"
	"fopnp/lecture/internal/echotest"
)

// The echo servers keep the whole contract. See packages conform and echotest
// for the checks.
func TestEchoServers(t *testing.T) {
	t.Parallel()
	for _, server := range []struct {
		name   string
		atOnce int
		echo   func(client netip.AddrPort, msg string) string
	}{
		{"echo_server_uni", 1, func(_ netip.AddrPort, msg string) string { return msg }},
		{"echo_server_multi", 0, func(client netip.AddrPort, msg string) string {
			return pyfmt.AddrPort(client) + ": " + msg
		}},
	} {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			echotest.RunOneMessage(t, server.name, server.atOnce, server.echo)
		})
	}
}
