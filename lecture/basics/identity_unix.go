//go:build unix && !linux

package basics

import (
	"io/fs"
	"os"
	"syscall"
)

// An identity tells files apart.
type identity struct{ device, inode uint64 }

func identityOf(_ *os.File, info fs.FileInfo) identity {
	stat := info.Sys().(*syscall.Stat_t)
	return identity{uint64(stat.Dev), uint64(stat.Ino)}
}

// changed returns when the file was changed, in ns since 1970.
func (v version) changed() int64 { return v.modified }
