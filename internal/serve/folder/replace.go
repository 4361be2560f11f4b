package folder

import (
	"errors"
	"io/fs"
	"os"
)

// MayReplace returns nil if a new plain file may take the place of path: if
// there is a plain file, or nothing, or a symbolic link to one of these. A link
// to a file that the program has as its standard input, output or error is an
// error, too, because /dev/stdout is such a link.
func MayReplace(path string) error {
	file, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	plain := file.Mode().IsRegular()
	if link, err := os.Lstat(path); err == nil && link.Mode().Type() == fs.ModeSymlink {
		for _, standard := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
			info, err := standard.Stat()
			plain = plain && !(err == nil && os.SameFile(info, file))
		}
	}
	if !plain {
		return &fs.PathError{Op: "open", Path: path, Err: ErrNotPlain}
	}
	return nil
}
