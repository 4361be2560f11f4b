//go:build unix

package filetest

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/conform"
)

// makeSpecialFiles makes files that are not plain, as far as the system lets us,
// and returns their names. Some of them it can only link to.
func (f *folder) makeSpecialFiles(t *conform.Trial) []string {
	special := []string{"pipe", "folder/pipe", "link to pipe", "socket"}
	for _, name := range special[:2] {
		if err := unix.Mkfifo(f.at(name), 0o666); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fail(err)
		}
	}
	f.link(t, "pipe", "link to pipe")
	os.Remove(f.at("socket"))
	socket, err := net.Listen("unix", f.at("socket"))
	if err != nil {
		t.Fail(err)
		return nil
	}
	socket.(*net.UnixListener).SetUnlinkOnClose(false)
	socket.Close()
	// A device needs a privilege. Without it, this is one more name of a file
	// that is not there.
	const zero = 1<<8 | 5
	unix.Mknod(f.at("device"), unix.S_IFCHR|0o666, zero)
	return append(special, "device")
}
