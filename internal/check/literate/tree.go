package literate

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A home is the folder of a session: a tree, which is what a fresh clone of the
// repository would be, a place for temporary files, and a go command that knows
// the built programs. One session after another can live there.
type home struct {
	dir   string                 // holds all of it
	tree  string                 // in dir: where bash starts
	files map[string]fs.FileInfo // what was there before the first session, by path
}

// newHome furnishes a home.
func (b *Book) newHome() (*home, error) {
	dir, err := os.MkdirTemp("", "literate")
	if err != nil {
		return nil, err
	}
	h := &home{dir: dir, tree: filepath.Join(dir, "tree"), files: map[string]fs.FileInfo{}}
	if err := h.furnish(b); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return h, nil
}

func (h *home) furnish(b *Book) error {
	// A process that is started while a script is open for writing would hold
	// it open for a moment, and the script could not be run: "text file busy".
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()

	for _, dir := range []string{"tmp", "bin"} {
		if err := os.Mkdir(filepath.Join(h.dir, dir), 0o777); err != nil {
			return err
		}
	}
	script := fmt.Sprintf(goScript, quote(b.Bin))
	if err := os.WriteFile(filepath.Join(h.dir, "bin", "go"), []byte(script), 0o777); err != nil {
		return err
	}
	if err := h.copyTree(b); err != nil {
		return err
	}
	return filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			h.files[path], err = d.Info()
		}
		return err
	})
}

// tidy removes what a session has left, and says whether all else is as it was,
// so that the next session can come.
func (h *home) tidy() bool {
	same := 0
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if h.files[path] == nil {
			if err := os.RemoveAll(path); err != nil || !d.IsDir() {
				return err
			}
			return fs.SkipDir
		}
		if !h.changed(path, d) {
			same++
		}
		return nil
	})
	return err == nil && same == len(h.files)
}

// changed says whether a file is new or another than it was, or a folder new.
func (h *home) changed(path string, d fs.DirEntry) bool {
	was := h.files[path]
	is, err := d.Info()
	if was == nil || err != nil || is.Mode() != was.Mode() {
		return true
	}
	return !is.IsDir() && (is.Size() != was.Size() || !is.ModTime().Equal(was.ModTime()))
}

// goScript is a go command that has the built programs: it runs one in the place
// of go run ./some/folder/NAME, puts links to all in the folder of go build -o
// FOLDER/, and leaves everything else to the real one.
const goScript = `#!/bin/sh
bin=%s
name=${2##*/}
if [ "$1" = run ] && [ -f "$bin/$name" ]; then
	shift 2
	exec "$bin/$name" "$@"
fi
case "$*" in
build*' -o '*/' '*)
	while [ "$1" != -o ]; do shift; done
	mkdir -p "$2"
	exec ln -sf "$bin"/* "$2" ;;
esac
PATH=${PATH#*:}
exec go "$@"
`

// copyTree copies what a fresh clone of the repository would have.
func (h *home) copyTree(b *Book) error {
	return fs.WalkDir(b.files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		from, to := filepath.Join(b.Root, name), filepath.Join(h.tree, name)
		switch {
		case d.IsDir() && (name == ".git" || name == "bin" || from == b.Bin):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(to, 0o777)
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, info.Mode().Perm())
	})
}

// environment is what a session has of our environment, and what it has instead,
// so that a transcript reads the same on every machine.
func (s *session) environment() []string {
	var env []string
	for _, v := range os.Environ() {
		for _, ours := range []string{"HOME=", "USER=", "GO", "CGO_"} {
			if strings.HasPrefix(v, ours) {
				env = append(env, v)
			}
		}
	}
	path := []string{filepath.Join(s.dir, "bin"), s.Bin, os.Getenv("PATH")}
	return slices.Concat(env, []string{
		"PATH=" + strings.Join(path, string(filepath.ListSeparator)),
		"TMPDIR=" + filepath.Join(s.dir, "tmp"),
		"TERM=dumb",
		"LC_ALL=C",
		"TZ=UTC",
		// What is built in the copy comes from the cache, not from a network.
		"GOFLAGS=" + strings.TrimSpace(os.Getenv("GOFLAGS")+" -trimpath"),
		"GOTOOLCHAIN=local",
		"GOPROXY=off",
	}, s.Env)
}
