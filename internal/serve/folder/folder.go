// Package folder opens the plain files below a folder, and nothing else,
// whatever names clients ask for.
package folder

import (
	"errors"
	"os"
)

// ErrNotPlain is the error of a name that is not a plain file but, for example,
// a directory, a named pipe or a device.
var ErrNotPlain = errors.New("not a plain file")

// A Folder is a directory whose plain files are served. Any number of
// goroutines may use it at once.
type Folder struct{ root *os.Root }

// Open opens the directory at path.
func Open(path string) (*Folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Folder{root}, nil
}

// OpenFile opens the plain file with this name below the folder, for reading,
// and returns its size in bytes. Slashes separate the parts of the name. It
// returns an error if the file is missing, if it is not a plain file
// (ErrNotPlain), and if the name or a symbolic link on the way leads out of the
// folder. It never waits for a named pipe to be written to.
func (f *Folder) OpenFile(name string) (*os.File, int64, error) {
	file, err := f.root.OpenFile(name, os.O_RDONLY|neverWait, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotPlain
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}
