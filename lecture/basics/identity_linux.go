package basics

import (
	"io/fs"
	"os"
	"syscall"
)

// An identity tells files apart, and one file before and after a change. No
// program can set the time of the change, as it can that of the modification.
type identity struct {
	device, inode uint64
	change        int64 // ns since 1970
}

func identityOf(_ *os.File, info fs.FileInfo) identity {
	stat := info.Sys().(*syscall.Stat_t)
	return identity{uint64(stat.Dev), stat.Ino, stat.Ctim.Nano()}
}

// changed returns when the file was changed, in ns since 1970.
func (v version) changed() int64 { return v.change }
