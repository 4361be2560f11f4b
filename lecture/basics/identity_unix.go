//go:build unix && !aix && !solaris

package basics

import (
	"io/fs"
	"os"
	"syscall"
)

// An identity tells files apart, and one file before and after a change. A
// program can set the time of a modification, but not that of a change.
type identity struct {
	device, inode uint64
	change        int64 // ns since 1970
}

func identityOf(_ *os.File, info fs.FileInfo) identity {
	stat := info.Sys().(*syscall.Stat_t)
	return identity{uint64(stat.Dev), uint64(stat.Ino), change(stat)}
}

// changed returns when the file was changed, in ns since 1970.
func (v version) changed() int64 { return v.change }
