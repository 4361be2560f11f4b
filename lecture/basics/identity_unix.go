//go:build unix && !aix && !solaris

package basics

import (
	"io/fs"
	"os"
	"syscall"
)

// An identity tells files apart, and tells a file before a change from the same
// file after it. A program can set a file's modification time, but not its
// change time.
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
