package transcript

import (
	"os"

	"golang.org/x/sys/unix"
)

// InMemory returns a folder in memory for temporary files. It returns "" if TMPDIR
// is set, if there is no such folder with enough room, or if programs may not run
// there, as in many containers. A home has hundreds of small files and lives for
// seconds: on a disk, creating its files may take the kernel longer than bash
// takes to run.
func InMemory() string {
	const folder = "/dev/shm"
	const room = 1 << 30
	var system unix.Statfs_t
	if os.Getenv("TMPDIR") != "" || unix.Statfs(folder, &system) != nil || unix.Access(folder, unix.W_OK) != nil ||
		system.Type != unix.TMPFS_MAGIC || system.Flags&unix.ST_NOEXEC != 0 ||
		system.Bavail*uint64(system.Bsize) < room {
		return ""
	}
	return folder
}
