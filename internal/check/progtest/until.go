package progtest

import (
	"testing"
	"time"
)

// Until waits until isTrue returns true, and asks it every millisecond. It is for
// what no event announces. It fails the test after Patience.
func Until(t testing.TB, what string, isTrue func() bool) {
	t.Helper()
	patience := time.After(Patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !isTrue() {
		select {
		case <-tick.C:
		case <-patience:
			t.Fatalf("it never came that %s", what)
		}
	}
}
