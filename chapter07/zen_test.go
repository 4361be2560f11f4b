package chapter07

import (
	"slices"
	"testing"

	"fopnp/chapter07/internal/zentest"
)

// Every Zen server keeps the whole contract, and so does the pair that inetd
// starts. See package zentest for the checks.
func TestZenServers(t *testing.T) {
	t.Parallel()
	for _, server := range slices.Concat(zentest.Servers, zentest.Inetd) {
		t.Run(server.Name, func(t *testing.T) {
			t.Parallel()
			zentest.Run(t, server)
		})
	}
}
