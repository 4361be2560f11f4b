package chapter07

import (
	"testing"

	"fopnp/chapter07/internal/zentest"
)

// Every Zen server keeps the whole contract. See package zentest for the checks.
func TestZenServers(t *testing.T) {
	t.Parallel()
	for _, server := range zentest.Servers {
		t.Run(server.Name, func(t *testing.T) {
			t.Parallel()
			zentest.Run(t, server)
		})
	}
}
