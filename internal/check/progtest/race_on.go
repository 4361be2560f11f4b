//go:build race

package progtest

// Race is whether the programs, and the test, carry the race detector.
const Race = true
