package progtest

import (
	"testing"
	"time"
)

// Until calls isTrue every millisecond until it returns true. It is for events
// that nothing announces. After Patience, it fails the test and says that it
// gave up waiting until what.
func Until(t testing.TB, what string, isTrue func() bool) {
	t.Helper()
	patience := time.After(Patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !isTrue() {
		select {
		case <-tick.C:
		case <-patience:
			t.Fatalf("gave up waiting until %s", what)
		}
	}
}
