package basics

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"fopnp/internal/serve/folder"
)

// Files are the plain files below a folder, which clients may ask for. Any
// number of goroutines may use them at once.
type Files struct {
	root *folder.Folder
	sums Sums
}

// Why a client does not get a file.
var (
	errOutside = errors.New("the name leads out of the folder")
	errBeyond  = errors.New("the offset is beyond the end")
)

// NewFiles returns the files below root.
func NewFiles(root *folder.Folder) *Files { return &Files{root: root} }

// Open opens the file that a client's line asks for, and moves to the offset in
// that line. It returns the offset, too.
func (f *Files) Open(line []byte) (
	file *os.File, offset int64, answer Answer, err error,
) {
	r, err := parseRequest(line)
	if err != nil {
		return nil, 0, Answer{}, err
	}
	file, err = f.open(r.Name)
	if err != nil {
		return nil, 0, Answer{}, err
	}
	answer, err = f.sums.Of(file)
	if err == nil && r.Offset > answer.Length {
		err = errBeyond
	}
	if err == nil && r.Offset > 0 {
		_, err = file.Seek(r.Offset, io.SeekStart)
	}
	if err != nil {
		file.Close()
	}
	return file, r.Offset, answer, err
}

func (f *Files) open(name string) (*os.File, error) {
	file, _, err := f.root.OpenFile(name)
	var path *fs.PathError
	var errno syscall.Errno
	switch {
	case errors.Is(err, syscall.ENXIO): // open's error for a Unix socket
		err = folder.ErrNotPlain
	case !filepath.IsLocal(filepath.FromSlash(name)),
		errors.As(err, &path) && !errors.As(path.Err, &errno):
		err = errOutside // os.Root has no error of its own for anything else
	}
	return file, err
}
