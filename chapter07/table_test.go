package chapter07

import (
	"slices"
	"testing"

	"fopnp/chapter07/internal/zentest"
	"fopnp/internal/listings"
)

// The conformance suite knows every server of the table, and holds it to the
// number of conversations that the table has.
func TestConformanceTable(t *testing.T) {
	atOnce := map[string]int{}
	for _, server := range slices.Concat(zentest.Servers, zentest.Inetd) {
		atOnce[server.Name] = server.AtOnce
	}
	for _, l := range listings.On("chapter07", listings.Server, listings.Inetd) {
		if n, found := atOnce[l.Name]; !found || n != l.AtOnce {
			t.Errorf("%s: in the suite %v, %d at once, want %d", l.Name, found, n, l.AtOnce)
		}
	}
}
