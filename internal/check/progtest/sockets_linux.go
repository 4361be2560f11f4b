package progtest

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// EachDescriptor calls visit with each of the server's descriptors. For the
// time of the call it is ours as well: what the kernel knows of it can be asked,
// and what is set is set for the server. The error is unix.EPERM or unix.ENOSYS
// where the kernel does not lend us the descriptors of others.
func (s *Server) EachDescriptor(visit func(fd int)) error {
	process, err := unix.PidfdOpen(s.Pid, 0)
	if err != nil {
		return fmt.Errorf("pidfd_open: %w", err)
	}
	defer unix.Close(process)
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Pid))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		number, _ := strconv.Atoi(entry.Name())
		fd, err := unix.PidfdGetfd(process, number, 0)
		if err == unix.EPERM || err == unix.ENOSYS {
			return fmt.Errorf("pidfd_getfd: %w", err)
		}
		if err != nil {
			continue // closed meanwhile
		}
		visit(fd)
		unix.Close(fd)
	}
	return nil
}

// Unread is how many bytes have come on a connection that nobody has received.
func Unread(fd int) int { n, _ := unix.IoctlGetInt(fd, unix.SIOCINQ); return n }

// Unsent is how many bytes were sent on a connection that have not arrived at
// the other side: it has no room for them, or they are on their way.
func Unsent(fd int) int { n, _ := unix.IoctlGetInt(fd, unix.SIOCOUTQ); return n }
