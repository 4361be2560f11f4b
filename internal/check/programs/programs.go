// Package programs builds the programs of a module for tests, and keeps them in
// the user's cache folder, so the next test only has to check whether they are
// up to date.
//
// The flags are those of "go run", so the packages that a test compiles need
// not be compiled again when you run a program by hand.
package programs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// A Cache is a folder for built programs. Any number of processes may use it at
// the same time.
//
//	lock           locked by the process that changes anything
//	work/          temporary files of the go command, which a stopped build leaves
//	built/KEY/     the programs of one copy of the repository, built in one way
//	runs/KEY/      links to the programs that one process uses
//	runs/KEY.lock  locked by that process as long as it lives
type Cache struct{ Dir string }

// kept is how many folders of built/ stay: those that were used last.
const kept = 8

const locked = ".lock" // ends the name of the lock beside a folder of runs/

// UserCache returns the cache of the current user.
func UserCache() (Cache, error) {
	dir, err := os.UserCacheDir()
	return Cache{filepath.Join(dir, "fopnp")}, err
}

// Build builds the programs of some packages, whose paths are relative to the
// module's root ("./chapter07/client"), with flags for go build besides its usual
// ones. It returns a new folder with these programs and nothing else. They stay as
// they are, whatever is built later, until remove is called. The error of a failed
// build includes what the go command printed. If ctx is cancelled, the build stops.
// The caller must keep remove: it holds the lock that keeps other processes from
// removing the folder.
func (c Cache) Build(ctx context.Context, root string, packages []string, flags ...string) (bin string, remove func(), err error) {
	if err := os.MkdirAll(c.Dir, 0o777); err != nil {
		return "", nil, err
	}
	lock := flock.New(filepath.Join(c.Dir, "lock"))
	if err := lock.Lock(); err != nil {
		return "", nil, err
	}
	defer lock.Unlock()

	work := filepath.Join(c.Dir, "work")
	os.RemoveAll(work)
	if err := os.MkdirAll(work, 0o777); err != nil {
		return "", nil, err
	}
	defer os.RemoveAll(work)

	key := sha256.Sum256([]byte(strings.Join(append([]string{root}, flags...), "\x00")))
	built := filepath.Join(c.Dir, "built", fmt.Sprintf("%x", key[:8]))
	if err := os.MkdirAll(built, 0o777); err != nil {
		return "", nil, err
	}
	now := time.Now()
	os.Chtimes(built, now, now) // mark it as used last, so tidy keeps it
	c.tidy()

	// -buildvcs=false, because git may refuse to look into another user's folder.
	// It is what go run does, too.
	args := slices.Concat([]string{"build", "-buildvcs=false"}, flags, []string{"-o", built + string(filepath.Separator)}, packages)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOTMPDIR="+work)
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, said)
	}
	return c.link(built, packages)
}

// link makes a folder of runs/ with links to the programs of some packages.
func (c Cache) link(built string, packages []string) (bin string, remove func(), err error) {
	runs := filepath.Join(c.Dir, "runs")
	if err := os.MkdirAll(runs, 0o777); err != nil {
		return "", nil, err
	}
	bin, err = os.MkdirTemp(runs, filepath.Base(built)+"-")
	if err != nil {
		return "", nil, err
	}
	inUse := flock.New(bin + locked)
	remove = func() { discard(bin, inUse) }
	if err := inUse.Lock(); err != nil {
		remove()
		return "", nil, err
	}
	for _, p := range packages {
		name := path.Base(p)
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		from, to := filepath.Join(built, name), filepath.Join(bin, name)
		// go build puts a new file in the place of an old one. The old one lives
		// on here.
		if os.Link(from, to) == nil {
			continue
		}
		if err := copyProgram(from, to); err != nil { // no links on this file system
			remove()
			return "", nil, err
		}
	}
	return bin, remove, nil
}

func copyProgram(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o777)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// tidy removes what is no longer needed: builds that have not been used for long,
// and the links of processes that were killed. What it cannot remove, it leaves for
// the next time.
func (c Cache) tidy() {
	built := byAge(filepath.Join(c.Dir, "built"))
	for _, folder := range built[:max(0, len(built)-kept)] {
		os.RemoveAll(folder.path)
	}
	runs := filepath.Join(c.Dir, "runs")
	entries, _ := os.ReadDir(runs)
	for _, entry := range entries {
		bin := filepath.Join(runs, strings.TrimSuffix(entry.Name(), locked))
		inUse := flock.New(bin + locked)
		if free, err := inUse.TryLock(); free && err == nil {
			discard(bin, inUse)
		}
	}
}

// discard removes a folder of runs/ and its lock, which this process holds.
func discard(bin string, lock *flock.Flock) {
	os.RemoveAll(bin)
	lock.Unlock() // first, because Windows does not remove an open file
	os.Remove(lock.Path())
}

// A folder is a folder of the cache, and when it was last used.
type folder struct {
	path string
	used time.Time
}

// byAge returns the folders in dir, the oldest first.
func byAge(dir string) (folders []folder) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && entry.IsDir() {
			folders = append(folders, folder{filepath.Join(dir, entry.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(folders, func(a, b folder) int { return a.used.Compare(b.used) })
	return folders
}
