//go:build aix || solaris || !unix

package basics

import (
	"io/fs"
	"os"
)

// An identity tells files apart. On these systems, it is only the path.
type identity struct{ path string }

func identityOf(file *os.File, _ fs.FileInfo) identity {
	return identity{file.Name()}
}

// changed returns when the file was changed, in ns since 1970.
func (v version) changed() int64 { return v.modified }
