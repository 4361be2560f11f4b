//go:build unix

package selectors

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kinds are the selectors of this system. All must behave the same.
var kinds = map[string]func() (Selector, error){"poll": NewPoll, "default": Default}

// test runs a test with each kind of selector.
func test(t *testing.T, f func(t *testing.T, s Selector)) {
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) {
			s, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			f(t, s)
		})
	}
}

// pair returns two connected non-blocking sockets.
func pair(t *testing.T) (a, b int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if err := unix.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) }) // fails if the test has closed it
	}
	return fds[0], fds[1]
}

func register(t *testing.T, s Selector, fd int, events Event) *Key {
	key, err := s.Register(fd, events, fd)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// nowReady calls Select, without waiting, and returns what each descriptor that
// it finds is ready for.
func nowReady(t *testing.T, s Selector) map[int]Event {
	if err := s.Select(0); err != nil {
		t.Fatal(err)
	}
	all := map[int]Event{}
	for key, events := s.Next(); key != nil; key, events = s.Next() {
		if key.Data != key.Fd {
			t.Errorf("the key of descriptor %d has the data %v", key.Fd, key.Data)
		}
		all[key.Fd] = events
	}
	return all
}

func want(t *testing.T, s Selector, want map[int]Event) {
	t.Helper()
	got := nowReady(t, s)
	if len(got) != len(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for fd, events := range want {
		if got[fd] != events {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func write(t *testing.T, fd int) {
	if _, err := unix.Write(fd, []byte("?")); err != nil {
		t.Fatal(err)
	}
}

func TestEvents(t *testing.T) {
	test(t, func(t *testing.T, s Selector) {
		a, b := pair(t)
		key := register(t, s, a, EventRead)
		want(t, s, nil)
		write(t, b)
		want(t, s, map[int]Event{a: EventRead})
		want(t, s, map[int]Event{a: EventRead}) // until it is read
		s.Modify(key, EventRead|EventWrite)
		want(t, s, map[int]Event{a: EventRead | EventWrite})
		s.Modify(key, EventWrite)
		want(t, s, map[int]Event{a: EventWrite})
		s.Modify(key, 0)
		want(t, s, nil)
		s.Unregister(key)
		want(t, s, nil)
	})
}

// A socket becomes ready to read when its peer half-closes the connection, and
// when its peer closes it.
func TestHangUp(t *testing.T) {
	test(t, func(t *testing.T, s Selector) {
		a, b := pair(t)
		register(t, s, a, EventRead)
		unix.Shutdown(b, unix.SHUT_WR)
		if events := nowReady(t, s)[a]; events&EventRead == 0 {
			t.Errorf("after a half-close: got %v, want EventRead", events)
		}
		unix.Close(b)
		if events := nowReady(t, s)[a]; events&EventRead == 0 {
			t.Errorf("after a close: got %v, want EventRead", events)
		}
	})
}

// Many sockets come and go, and each event still goes to its own key.
func TestManyKeys(t *testing.T) {
	test(t, func(t *testing.T, s Selector) {
		keys := map[*Key]int{}
		for range 20 {
			a, b := pair(t)
			keys[register(t, s, a, EventRead)] = b
		}
		ready := map[int]Event{}
		n := 0
		for key, b := range keys {
			switch n++; n % 3 {
			case 0:
				s.Unregister(key)
				write(t, b)
			case 1:
				write(t, b)
				ready[key.Fd] = EventRead
			}
		}
		want(t, s, ready)
	})
}

// Two sockets are ready. The code that handles the first closes the second, and
// a new socket gets its descriptor. The new one must not get the old one's
// event.
func TestNumberIsUsedAgain(t *testing.T) {
	t.Run("Unregister", func(t *testing.T) {
		numberIsUsedAgain(t, func(s Selector, key *Key) { s.Unregister(key) })
	})
	t.Run("Forget", func(t *testing.T) { numberIsUsedAgain(t, Selector.Forget) })
}

func numberIsUsedAgain(t *testing.T, forget func(Selector, *Key)) {
	test(t, func(t *testing.T, s Selector) {
		a1, b1 := pair(t)
		a2, b2 := pair(t)
		keys := map[int]*Key{a1: register(t, s, a1, EventRead), a2: register(t, s, a2, EventRead)}
		write(t, b1)
		write(t, b2)
		if err := s.Select(0); err != nil {
			t.Fatal(err)
		}
		first, _ := s.Next()
		other := a1 + a2 - first.Fd
		forget(s, keys[other])
		unix.Close(other)
		again, _ := pair(t)
		if again != other {
			t.Skipf("the system did not reuse the descriptor %d", other)
		}
		register(t, s, again, EventRead)
		if key, events := s.Next(); key != nil {
			t.Errorf("the new socket got the old one's event %v", events)
		}
		want(t, s, map[int]Event{first.Fd: EventRead})
	})
}

// The Go runtime interrupts goroutines with signals. A signal may end a wait
// early, but signals do not end ten waits in a row.
func TestTimeout(t *testing.T) {
	test(t, func(t *testing.T, s Selector) {
		const timeout = 20 * time.Millisecond
		var waited time.Duration
		for n := 0; waited < timeout; n++ {
			if n == 10 {
				t.Fatalf("ten waits ended before %v, the last after %v", timeout, waited)
			}
			begin := time.Now()
			if err := s.Select(timeout); err != nil {
				t.Fatal(err)
			}
			waited = time.Since(begin)
			if key, _ := s.Next(); key != nil {
				t.Fatal("a selector without sockets found something")
			}
		}
	})
}

func TestSelectAllocatesNothing(t *testing.T) {
	test(t, func(t *testing.T, s Selector) {
		a, b := pair(t)
		register(t, s, a, EventRead)
		write(t, b)
		if n := testing.AllocsPerRun(100, func() {
			s.Select(-1)
			for key, _ := s.Next(); key != nil; key, _ = s.Next() {
			}
		}); n != 0 {
			t.Errorf("a Select makes %v allocations, want none", n)
		}
	})
}

func TestMilliseconds(t *testing.T) {
	for timeout, want := range map[time.Duration]int{
		-1:                   -1,
		0:                    0,
		1:                    1,
		time.Millisecond:     1,
		time.Millisecond + 1: 2,
		600 * time.Hour:      1<<31 - 1,
	} {
		if got := milliseconds(timeout); got != want {
			t.Errorf("%v is %d ms, want %d", timeout, got, want)
		}
	}
}
