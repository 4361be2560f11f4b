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

// furnish makes the session's folder: the tree, a place for temporary files, and
// a go command that knows the built programs.
func (s *session) furnish() error {
	// A process that is started while a script is open for writing would hold
	// it open for a moment, and the script could not be run: "text file busy".
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()

	for _, dir := range []string{"tree", "tmp", "bin"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o777); err != nil {
			return err
		}
	}
	script := fmt.Sprintf(goScript, quote(s.Bin))
	if err := os.WriteFile(filepath.Join(s.dir, "bin", "go"), []byte(script), 0o777); err != nil {
		return err
	}
	return s.copyTree()
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
func (s *session) copyTree() error {
	return fs.WalkDir(s.files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		from, to := filepath.Join(s.Root, name), filepath.Join(s.tree, name)
		switch {
		case d.IsDir() && (name == ".git" || name == "bin" || from == s.Bin):
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
		s.copied[to] = true
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
