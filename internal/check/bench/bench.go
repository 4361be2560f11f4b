// Package bench has what the benchmarks of servers share: it starts servers,
// reads what they cost, and describes the machine. Package measured stores the
// results.
//
// Most of it needs Linux, whose kernel reports the CPU time and the memory of a
// process.
package bench

import (
	"fmt"
	"os"
	"time"
)

// A Progress is a line on the terminal, if there is one. It is written to
// /dev/tty because go test captures what a test prints.
type Progress struct {
	terminal *os.File
	began    time.Time
}

// NewProgress begins a line that says how much time has passed since then. The
// caller must call End.
func NewProgress() Progress {
	terminal, _ := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	return Progress{terminal, time.Now()}
}

// Say replaces the text of the line.
func (p Progress) Say(format string, args ...any) {
	if p.terminal != nil {
		line := fmt.Sprintf(format, args...)
		fmt.Fprintf(p.terminal, "\r%-60s %v ", line, time.Since(p.began).Round(time.Second))
	}
}

// End ends the line.
func (p Progress) End() {
	if p.terminal != nil {
		fmt.Fprintln(p.terminal)
		p.terminal.Close()
	}
}
