package transcript

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fopnp/internal/netns"
)

// A Config says what sessions work with.
type Config struct {
	Root string   // the folder of go.mod, an absolute path; sessions work on a copy
	Bin  string   // the folder of the built programs, an absolute path, or "" for none
	Env  []string // more environment variables, as in GOCOVERDIR=/tmp/coverage

	// If Terminal is true, the session types commands at a terminal, as a
	// reader would. Otherwise bash is not interactive and has no terminal.
	Terminal bool

	// Open, if it is not nil, starts the interactive bash of each session. It
	// replaces the terminal on a private network, so Terminal need not be set. The
	// command has its folder, arguments and environment already.
	Open func(bash *exec.Cmd) (Network, Terminal, error)

	// Keep, if it is not nil, is called with the folder of each new home while it is
	// still empty. It may arrange for the folder to be removed however this process
	// ends.
	Keep func(dir string) error

	// Limit is how long a command may take. 0 means a minute.
	Limit time.Duration

	// Only tests set these.
	shared bool // use the system's network, even if there are private ones
	looks  int  // how many times to look at a program, if not readyLimit or logLimit
}

// A Home is the folder that sessions run in, one after another. It holds a copy
// of the repository as a fresh clone would have it, a place for temporary files,
// and a go command that knows the built programs, if there are any.
type Home struct {
	Dir  string // holds all of it
	Tree string // in Dir: the copy of the repository, where shells start

	config Config
	files  map[string]fs.FileInfo // what was there at first, by path
}

// NewHome makes a home, in memory or in the folder for temporary files. Remove
// removes it. The error wraps [errors.ErrUnsupported] if transcripts cannot run
// on this system, or not at a terminal, which needs a private network.
func (c Config) NewHome() (*Home, error) {
	err := supported()
	if err == nil && c.Terminal && c.Open == nil {
		err = netns.Supported()
	}
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(InMemory(), "transcript")
	if err != nil {
		return nil, err
	}
	h := &Home{dir, filepath.Join(dir, "tree"), c, map[string]fs.FileInfo{}}
	if c.Keep != nil {
		if err := c.Keep(dir); err != nil {
			h.Remove()
			return nil, err
		}
	}
	// If another goroutine started a process while a script was open for
	// writing, that process would have the script open for a moment, too, and
	// running the script would fail: "text file busy".
	if err := whileNoneStarts(h.furnish); err != nil {
		h.Remove()
		return nil, err
	}
	return h, nil
}

// Remove removes the home with all that is in it.
func (h *Home) Remove() { os.RemoveAll(h.Dir) }

func (h *Home) furnish() error {
	for _, dir := range []string{"tmp", "bin"} {
		if err := os.Mkdir(filepath.Join(h.Dir, dir), 0o777); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(h.Dir, "inputrc"), []byte(inputrc), 0o666); err != nil {
		return err
	}
	if h.config.Bin != "" {
		script := fmt.Sprintf(goScript, Quote(h.config.Bin))
		if err := os.WriteFile(filepath.Join(h.Dir, "bin", "go"), []byte(script), 0o777); err != nil {
			return err
		}
	}
	if err := h.copyTree(); err != nil {
		return err
	}
	return filepath.WalkDir(h.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			h.files[path], err = d.Info()
		}
		return err
	})
}

// Clean removes the files that a session has left. It reports whether all
// others are as they were, so another session can run here.
func (h *Home) Clean() bool {
	same := 0
	err := filepath.WalkDir(h.Dir, func(path string, d fs.DirEntry, err error) error {
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

// changed reports whether a file is new or differs from what it was. A folder
// that was there has not changed, whatever is in it.
func (h *Home) changed(path string, d fs.DirEntry) bool {
	was := h.files[path]
	is, err := d.Info()
	if was == nil || err != nil || is.Mode() != was.Mode() {
		return true
	}
	return !is.IsDir() && (is.Size() != was.Size() || !is.ModTime().Equal(was.ModTime()))
}

// goScript is the go command of a session. For "go run ./some/folder/NAME" it
// runs the built program NAME. For "go tool -n NAME" it prints the path of that
// program. For "go build -o FOLDER/ ..." it puts links to all built programs in
// FOLDER. For "go run SOME.HOST/FOLDER/NAME@VERSION" it runs the program NAME
// that is installed, whatever its version. It leaves everything else to the real
// go command.
const goScript = `#!/bin/sh
bin=%s
name=${2##*/}
if [ "$1" = run ] && [ -f "$bin/$name" ]; then
	shift 2
	exec "$bin/$name" "$@"
fi
if [ "$1 $2" = 'tool -n' ] && [ -f "$bin/$3" ]; then
	echo "$bin/$3"
	exit
fi
case "$*" in
run*@*)
	name=${2%%%%@*}
	name=${name%%/v[0-9]*}
	name=${name##*/}
	if command -v "$name" >/dev/null; then
		shift 2
		exec "$name" "$@"
	fi ;;
build*' -o '*/' '*)
	while [ "$1" != -o ]; do shift; done
	mkdir -p "$2"
	exec ln -sf "$bin"/* "$2" ;;
esac
PATH=${PATH#*:}
exec go "$@"
`

// copyTree copies what a fresh clone of the repository would have.
func (h *Home) copyTree() error {
	root := h.config.Root
	return fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		from, to := filepath.Join(root, name), filepath.Join(h.Tree, name)
		switch {
		case d.IsDir() && (name == ".git" || name == "bin" || from == h.config.Bin):
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

// Environment returns the environment of shells in this home. It keeps little
// of the caller's, so a transcript reads the same on every machine.
func (h *Home) Environment() []string {
	var env []string
	for _, v := range os.Environ() {
		for _, kept := range []string{"HOME=", "USER=", "GO", "CGO_"} {
			if strings.HasPrefix(v, kept) {
				env = append(env, v)
			}
		}
	}
	path := []string{filepath.Join(h.Dir, "bin"), os.Getenv("PATH")}
	if h.config.Bin != "" {
		path = slices.Insert(path, 1, h.config.Bin)
	}
	return slices.Concat(env, []string{
		"PATH=" + strings.Join(path, string(filepath.ListSeparator)),
		"TMPDIR=" + filepath.Join(h.Dir, "tmp"),
		"TERM=xterm",
		"LC_ALL=C",
		"TZ=UTC",
		// Builds in the copy need no network.
		"GOTOOLCHAIN=local",
		"GOPROXY=off",
	}, h.config.Env)
}
