//go:build unix || windows

package main

import (
	"flag"
	"os"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/weave"
)

func TestMain(m *testing.M) {
	becomeHelper()
	weave.Main()
	flag.Set("test.parallel", "6") // each playground has fourteen processes of its own
	os.Exit(progtest.Main(m))
}

// The table does not contradict itself, and each host has a place of its own on the
// map.
func TestTable(t *testing.T) {
	if err := playground.Check(); err != nil {
		t.Error(err)
	}
	taken := map[[2]int]string{}
	for _, h := range playground.Hosts {
		at, ok := places[h.Short()]
		if !ok {
			t.Errorf("%s has no place on the map", h.Short())
		}
		if other := taken[[2]int{at.column, at.row}]; other != "" {
			t.Errorf("%s and %s have the same place on the map", h.Short(), other)
		}
		taken[[2]int{at.column, at.row}] = h.Short()
	}
	if len(places) != len(playground.Hosts) {
		t.Errorf("the map has %d places for %d hosts", len(places), len(playground.Hosts))
	}
}

// Each wire has an end that is alone in its column, or the map would show a line
// from nowhere.
func TestWiresOnMap(t *testing.T) {
	for _, w := range playground.Wires() {
		if hub, others := ends(w); hub == nil || len(others) != len(w.Ends)-1 {
			t.Errorf("the map cannot show the wire %s", w.Name)
		}
	}
}

// The picture of the map shows the table.
func TestPicture(t *testing.T) {
	const file = "map.svg"
	drawn := svgMap()
	if written, err := os.ReadFile(file); err == nil && string(written) == drawn {
		return
	}
	if !*progtest.Update {
		t.Errorf("%s does not show the table", file)
	} else if err := os.WriteFile(file, []byte(drawn), 0o644); err != nil {
		t.Error(err)
	}
}
