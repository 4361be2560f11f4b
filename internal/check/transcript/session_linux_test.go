package transcript

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// When a terminal gets another size, bash shows its prompt again. That is not the end of
// the command that is typed next.
func TestAnotherSize(t *testing.T) {
	needs(t, "terminal")
	s := atTerminal(t)
	terminal, err := s.output.(*os.File).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		terminal.Control(func(fd uintptr) {
			err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(100 + i)})
		})
		if err == nil {
			err = s.until(func() bool { return strings.Contains(s.unread, s.end) })
		}
		if err != nil {
			t.Fatal(err)
		}
		// Bash may also show its prompt while we wait for a program in the
		// background.
		if i%2 == 0 {
			if shown, _, err := s.lookAtTerminal("1"); err != nil || shown != "" {
				t.Errorf("a new size shows %q (%v)", shown, err)
			}
		}
		want := fmt.Sprintf("size %d\n", i)
		transcript := &Transcript{Commands: []Command{{Script: "echo " + want[:len(want)-1], Output: want}}}
		if output, _, err := s.PlayCommand(transcript, 0); err != nil || output != want {
			t.Errorf("it printed %q (%v), want %q", output, err, want)
		}
	}
}
