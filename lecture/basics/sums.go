package basics

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"fopnp/internal/serve/program"
)

// Sums knows the SHA-256 of files. It remembers up to 1024 hashes, and does not
// read a file again for a hash that it remembers, unless the file changes. To
// make room, it forgets an arbitrary hash. Any number of goroutines may use it
// at once. The zero Sums is ready.
type Sums struct {
	mu    sync.Mutex
	known map[version]*sum
}

// mostSums is how many hashes Sums remembers.
const mostSums = 1024

// A version is a file as it was between two changes. Two files, or a file
// before and after a change, are different versions.
type version struct {
	identity
	size     int64
	modified int64 // ns since 1970
}

// A sum is the hash of a version.
type sum struct {
	ready chan struct{} // closed when the rest is set
	hex   string
	err   error
}

var errChanges = errors.New("the file keeps changing")

// Of returns the length of a file and its SHA-256 as 64 hexadecimal digits.
// They belong together even if the file changes. If it changes time after time
// while Of reads it, Of returns an error. It also returns an error if the
// program has to stop.
//
// Of does not move the file's offset.
func (s *Sums) Of(file *os.File) (Answer, error) {
	for range 4 {
		v, err := versionOf(file)
		if err != nil {
			return Answer{}, err
		}
		known, isNew := s.find(v)
		if isNew {
			known.hex, known.err = hashOf(file, v)
			if known.err != nil {
				s.forget(v)
			}
			close(known.ready)
		}
		select {
		case <-known.ready:
		case <-program.Hurrying().Done():
			return Answer{}, program.ErrStopped
		}
		if known.err != errChanges {
			return Answer{v.size, known.hex}, known.err
		}
	}
	return Answer{}, errChanges
}

// find returns the sum of a version. If the sum is new, the caller must set it.
func (s *Sums) find(v version) (known *sum, isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[v]; known != nil {
		return known, false
	}
	if s.known == nil {
		s.known = map[version]*sum{}
	}
	for old := range s.known {
		if len(s.known) < mostSums {
			break
		}
		delete(s.known, old)
	}
	known = &sum{ready: make(chan struct{})}
	s.known[v] = known
	return known, true
}

func (s *Sums) forget(v version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, v)
}

// hashOf reads a file. It returns errChanges if the file is not the version v
// any more when it has been read.
//
// Two changes within one tick of the file system's clock leave the same time.
// So hashOf does not begin until the next change would leave a different time.
func hashOf(file *os.File, v version) (string, error) {
	if err := wait(v.untilSettled()); err != nil {
		return "", err
	}
	hash := sha256.New()
	buffer := make([]byte, min(v.size+1, 128<<10))
	for at := int64(0); ; {
		n, err := file.ReadAt(buffer[:min(int64(len(buffer)), v.size-at)], at)
		hash.Write(buffer[:n])
		at += int64(n)
		if err == io.EOF || at == v.size {
			break
		} else if err != nil {
			return "", err
		}
		if tooLate(v.size - at) {
			return "", program.ErrStopped
		}
	}
	now, err := versionOf(file)
	if err == nil && now != v {
		err = errChanges
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

// tooLate reports whether a program that has to stop no longer has the time to
// hash the rest of a file, of which left bytes remain. If many clients wait for
// large files, the program would hardly get to anything else.
func tooLate(left int64) bool {
	const atLast = 64 << 20
	return program.Hurrying().Err() != nil ||
		left > atLast && program.Stopping().Err() != nil
}

// wait waits, unless the program has to stop.
func wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-program.Stopping().Done():
		return program.ErrStopped
	}
}

func versionOf(file *os.File) (version, error) {
	info, err := file.Stat()
	if err != nil {
		return version{}, err
	}
	modified := info.ModTime().UnixNano()
	return version{identityOf(file, info), info.Size(), modified}, nil
}

// untilSettled returns how long it takes until the file's next change leaves a
// different time than its last one. That is never more than a tick.
func (v version) untilSettled() time.Duration {
	changed := v.changed()
	tick := 20 * time.Millisecond
	if changed%int64(time.Second) == 0 {
		tick = 2 * time.Second // some file systems count in steps of 2 s
	}
	age := time.Since(time.Unix(0, changed))
	return tick - max(0, age)
}
