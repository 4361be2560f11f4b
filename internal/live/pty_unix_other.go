//go:build unix && !linux

package live

import (
	"os"

	"github.com/creack/pty"
)

// openTerminal returns both ends of a new terminal.
func openTerminal() (ours, theirs *os.File, err error) {
	if ours, theirs, err = pty.Open(); err == nil {
		setSize(ours, 80, 24)
	}
	return ours, theirs, err
}

// setSize tells the programs at a terminal how large it is.
func setSize(ours *os.File, columns, rows int) error {
	return pty.Setsize(ours, &pty.Winsize{Cols: uint16(columns), Rows: uint16(rows)})
}
