package basics

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fopnp/internal/serve/child"
)

// Sums remembers a bounded number of hashes, and is right about all files.
func TestSumsAreBounded(t *testing.T) {
	t.Parallel()
	const n = mostSums + 500
	var files []*os.File
	for i := range n {
		file, err := os.Create(filepath.Join(t.TempDir(), "file"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		fmt.Fprint(file, i)
		files = append(files, file)
	}
	var s Sums
	for range 2 {
		for i, file := range files {
			data := fmt.Sprint(i)
			want := Answer{int64(len(data)), fmt.Sprintf("%x", sha256.Sum256([]byte(data)))}
			if got, err := s.Of(file); err != nil || got != want {
				t.Fatalf("the answer is %v (%v), want %v", got, err, want)
			}
			if len(s.known) > mostSums {
				t.Fatalf("%d hashes are known, want %d at most", len(s.known), mostSums)
			}
		}
	}
}

// A file that changes all the time is an error, which Sums does not remember.
func TestSumsOfChangingFile(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				file.Write([]byte("x"))
			case <-stop:
				return
			}
		}
	}()
	var s Sums
	// If the machine is so busy that nothing is written for a while, the file does
	// not change.
	for giveUp := time.Now().Add(child.Patience); err != errChanges; {
		if _, err = s.Of(file); time.Now().After(giveUp) {
			t.Fatalf("the error is %v, want %v", err, errChanges)
		}
	}
	close(stop)
	<-stopped
	data, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := Answer{int64(len(data)), fmt.Sprintf("%x", sha256.Sum256(data))}
	if got, err := s.Of(file); err != nil || got != want {
		t.Errorf("the answer is %v (%v), want %v", got, err, want)
	}
}

// A file is settled as soon as its next change would leave a different time, and
// not later, even if its last change is in the future.
func TestUntilSettled(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		changed     time.Time
		least, most time.Duration
	}{
		{now.Add(-time.Hour), -2 * time.Hour, 0},
		{now.Add(-time.Hour).Truncate(time.Second), -2 * time.Hour, 0},
		{now, -time.Hour, 20 * time.Millisecond},
		{now.Add(time.Hour), 20 * time.Millisecond, 20 * time.Millisecond},
		{now.Add(time.Hour).Truncate(time.Second), 2 * time.Second, 2 * time.Second},
	} {
		v := version{identity: identity{change: test.changed.UnixNano()}}
		if got := v.untilSettled(); got < test.least || got > test.most {
			t.Errorf("changed at %v: %v until it is settled, want %v to %v", test.changed, got, test.least, test.most)
		}
	}
}

// A failure is not remembered: the next client may read what this one cannot.
func TestSumsAfterFailure(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("Hello, world\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	var s Sums
	for _, flags := range []int{os.O_WRONLY, os.O_RDONLY} {
		file, err := os.OpenFile(name, flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if answer, err := s.Of(file); (err == nil) != (flags == os.O_RDONLY) {
			t.Errorf("opened with %d: %v, %v", flags, answer, err)
		}
	}
}
