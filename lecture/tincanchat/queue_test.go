package tincanchat_test

import (
	"strings"
	"sync"
	"testing"

	"fopnp/lecture/tincanchat"
)

// Everything that one goroutine puts in comes out once and in order, while
// another one takes it out.
func TestQueue(t *testing.T) {
	t.Parallel()
	q := tincanchat.NewQueue()
	var got strings.Builder
	var taking sync.WaitGroup
	taking.Go(func() {
		for data, more := q.Get(); more; data, more = q.Get() {
			got.Write(data)
		}
	})
	var want strings.Builder
	piece := []byte("0123456789")
	for n := range 5000 {
		piece[0] = byte('0' + n%10)
		want.Write(piece[:1+n%10])
		q.Put(piece[:1+n%10])
	}
	q.Close()
	q.Put([]byte("too late"))
	taking.Wait()
	if got.String() != want.String() {
		t.Errorf("%d bytes came out of %d, or other ones", got.Len(), want.Len())
	}
	if waits := q.Put([]byte("too late")); waits != 0 {
		t.Errorf("%d bytes wait in a closed queue", waits)
	}
}

// What waits comes out at once. After Clear, nothing comes out.
func TestQueueGathers(t *testing.T) {
	t.Parallel()
	q := tincanchat.NewQueue()
	for n, data := range []string{"one", "two", "three"} {
		if waits := q.Put([]byte(data)); waits != []int{3, 6, 11}[n] {
			t.Errorf("%d bytes wait", waits)
		}
	}
	if data, more := q.Get(); string(data) != "onetwothree" || !more {
		t.Errorf("Get returned %q, %v", data, more)
	}
	q.Put([]byte("four"))
	q.Clear()
	if data, more := q.Get(); len(data) > 0 || more {
		t.Errorf("Get returned %q, %v", data, more)
	}
}
