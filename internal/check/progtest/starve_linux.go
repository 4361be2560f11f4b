package progtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// OpenFiles returns the names of a server's open files, such as
// "socket:[1060]", by descriptor.
func OpenFiles(t testing.TB, server *Server) map[uint64]string {
	t.Helper()
	folder := fmt.Sprintf("/proc/%d/fd", server.Pid)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	open := map[uint64]string{}
	for _, entry := range entries {
		n, _ := strconv.ParseUint(entry.Name(), 10, 64)
		open[n], _ = os.Readlink(filepath.Join(folder, entry.Name()))
	}
	return open
}

// Starve lets a server open only one more descriptor. It first waits until the
// server has closed all sockets and pipes except those in first. The function
// feed ends the shortage.
func Starve(t testing.TB, server *Server, first map[uint64]string) (feed func()) {
	t.Helper()
	Until(t, "the server has closed what it opened for clients", func() bool {
		for fd, file := range OpenFiles(t, server) {
			if first[fd] != file && (strings.HasPrefix(file, "socket:") || strings.HasPrefix(file, "pipe:")) {
				return false
			}
		}
		return true
	})
	var old unix.Rlimit
	if err := unix.Prlimit(server.Pid, unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fatal(err)
	}
	open, free := OpenFiles(t, server), uint64(0)
	for open[free] != "" {
		free++
	}
	limit := unix.Rlimit{Cur: free + 1, Max: old.Max}
	if err := unix.Prlimit(server.Pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := unix.Prlimit(server.Pid, unix.RLIMIT_NOFILE, &old, nil); err != nil {
			t.Fatal(err)
		}
	}
}
