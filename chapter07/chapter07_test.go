// Package chapter07 has no code of its own: its tests put the servers of the
// chapter through everything that the internet may do to them (zen_test.go),
// through the super-servers that start the inetd pair, and hold them to what
// they may cost.
package chapter07

import (
	"flag"
	"os"
	"testing"

	"fopnp/internal/progtest"
)

func TestMain(m *testing.M) {
	variant()
	flag.Set("test.benchtime", "1x") // BenchmarkZen has measured before it begins
	os.Exit(progtest.Main(m))
}
