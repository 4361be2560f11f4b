package live

import (
	"os"

	"golang.org/x/sys/unix"

	"fopnp/internal/netns"
)

// openTerminal returns both ends of a new terminal. Reads and writes of ours can be
// interrupted.
func openTerminal() (ours, theirs *os.File, err error) { return netns.OpenTerminal() }

// setSize tells the programs at a terminal how large it is. It does not call ours.Fd,
// which would make reads wait for ever.
func setSize(ours *os.File, columns, rows int) error {
	conn, err := ours.SyscallConn()
	if err != nil {
		return err
	}
	size := &unix.Winsize{Col: uint16(columns), Row: uint16(rows)}
	var set error
	err = conn.Control(func(fd uintptr) { set = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) })
	if err != nil {
		return err
	}
	return set
}
